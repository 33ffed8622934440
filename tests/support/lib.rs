//! What the tests, examples and benches of this workspace share.
