//! Gives the shared library the name that the loader looks for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The number is `VMT_ABI_VERSION`; tests/header.rs compares the two.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libvmtemplate.so.0");
    }
}
