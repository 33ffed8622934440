//! Detached signatures beside the description and the checksums, as minisign makes them.

use std::fmt;
use std::path::Path;

use minisign_verify::Signature;

use crate::error::{Error, ErrorKind, Result};
use crate::file::read_bounded;

/// What the name of a signature ends with.
pub(super) const SUFFIX: &str = ".minisig";

/// What the name of a signature ends with as long as its file is being replaced.
const NEXT: &str = ".next.minisig";

/// The most bytes that a key or a signature may have; they have some hundreds.
pub(super) const MAX_BYTES: usize = 16 << 10;

/// The names of the signature of a file: while the file is being replaced, and else.
pub(super) fn signature_names(name: &str) -> (String, String) {
    (format!("{name}{NEXT}"), format!("{name}{SUFFIX}"))
}

/// The name that a signature with this name will have, if that is another.
pub(super) fn final_name(name: &str) -> Option<String> {
    Some(signature_names(name.strip_suffix(NEXT)?).1)
}

/// The key that a repository is signed with: a secret key of minisign.
///
/// ```no_run
/// use vmtemplate::repository::{PublishOptions, SigningKey};
///
/// let key = SigningKey::from_file("minisign.key", Some("the password"))?;
/// let options = PublishOptions { key: Some(key), ..PublishOptions::default() };
/// # let _ = options;
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    #[cfg(feature = "sign")]
    key: minisign::SecretKey,
}

impl SigningKey {
    /// Read a secret key from its file. One that was made with `minisign -G -W` has no password.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) if it is no secret key, or the password is not the right one;
    /// [`Unsupported`](ErrorKind::Unsupported) without the feature `sign`.
    ///
    /// ```
    /// assert!(vmtemplate::repository::SigningKey::from_file("/no/such.key", None).is_err());
    /// ```
    pub fn from_file(path: impl AsRef<Path>, password: Option<&str>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(&read(path)?, password).map_err(|error| error.with_path(path))
    }

    #[cfg(feature = "sign")]
    fn parse(text: &str, password: Option<&str>) -> Result<Self> {
        let refused = |error: minisign::PError| {
            Error::new(
                ErrorKind::InvalidValue,
                "this is not a secret key of minisign, or the password is wrong",
            )
            .caused_by(error)
            .with_help("create a key with `minisign -G -W`, and give the file minisign.key")
        };
        if let Some(key) = unprotected(text) {
            return Ok(Self { key });
        }
        let held = minisign::SecretKeyBox::from_string(text).map_err(refused)?;
        let key = match password {
            Some(password) => held.into_secret_key(Some(password.to_owned())),
            None => held.into_unencrypted_secret_key(),
        };
        Ok(Self { key: key.map_err(refused)? })
    }

    #[cfg(not(feature = "sign"))]
    fn parse(_text: &str, _password: Option<&str>) -> Result<Self> {
        Err(Error::new(ErrorKind::Unsupported, "this build cannot sign")
            .with_help("build it with the feature `sign`"))
    }

    /// The signature of `content`, which is the content of the file `name`.
    #[cfg(feature = "sign")]
    pub(super) fn sign(&self, name: &str, content: &[u8]) -> Result<String> {
        let comment = format!("file:{name}");
        let signed =
            minisign::sign(None, &self.key, content, Some(&comment), Some("signature of vmtemplate"));
        match signed {
            Ok(signature) => Ok(signature.into_string()),
            Err(error) => Err(Error::new(ErrorKind::InvalidSignature, "cannot sign").caused_by(error)),
        }
    }

    #[cfg(not(feature = "sign"))]
    #[allow(clippy::unused_self)]
    pub(super) fn sign(&self, _name: &str, _content: &[u8]) -> Result<String> {
        Err(Error::new(ErrorKind::Unsupported, "this build cannot sign"))
    }
}

/// It reveals nothing about the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// The key that verifies the signatures of a repository: a public key of minisign.
///
/// ```
/// use vmtemplate::repository::PublicKey;
///
/// let key: PublicKey = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".parse()?;
/// assert!("RWQ".parse::<PublicKey>().is_err());
/// # let _ = key;
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: minisign_verify::PublicKey,
}

impl PublicKey {
    /// Read a public key from its file, such as minisign.pub.
    ///
    /// ```
    /// assert!(vmtemplate::repository::PublicKey::from_file("/no/such.pub").is_err());
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read(path)?.parse::<Self>().map_err(|error| error.with_path(path))
    }

    /// Fail unless `signature` is one of `content` by this key.
    pub(super) fn verify(&self, content: &[u8], signature: &[u8]) -> Result<()> {
        let refused = |error: minisign_verify::Error| {
            Error::new(
                ErrorKind::InvalidSignature,
                "this key did not sign the file, or the file was changed after it \
                                                     was signed",
            )
            .caused_by(error)
        };
        let signature = Signature::decode(&String::from_utf8_lossy(signature)).map_err(refused)?;
        self.key.verify(content, &signature, false).map_err(refused)
    }
}

/// The text of a key file, or the line of it that is the key.
impl std::str::FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let key = minisign_verify::PublicKey::from_base64(line).map_err(|error| {
            Error::new(ErrorKind::InvalidValue, "this is not a public key of minisign")
                .caused_by(error)
                .with_help("give the file minisign.pub, or its last line")
        })?;
        Ok(Self { key })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(..)")
    }
}

/// A key that minisign wrote without a password. Its releases leave the checksum zero then, which the crate takes for
/// damage. The bytes: minisign.h, `SeckeyStruct`.
#[cfg(feature = "sign")]
fn unprotected(text: &str) -> Option<minisign::SecretKey> {
    const LENGTH: usize = 158;
    const CHECKSUM: usize = 32;
    let bytes = base64(text.lines().nth(1)?.trim())?;
    // The algorithms: Ed25519, no key derivation, BLAKE2b.
    let is_plain = bytes.len() == LENGTH && bytes.starts_with(b"Ed\0\0B2");
    let unchecked = is_plain && bytes[LENGTH - CHECKSUM..].iter().all(|&byte| byte == 0);
    if unchecked { minisign::SecretKey::from_bytes(&bytes).ok() } else { None }
}

/// RFC 4648, section 4.
#[cfg(feature = "sign")]
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

fn read(path: &Path) -> Result<String> {
    let bytes = read_bounded(path, MAX_BYTES).map_err(|error| Error::io("cannot read the key", error));
    match bytes.map_err(|error| error.with_path(path))? {
        Some(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        None => Err(Error::new(ErrorKind::InvalidValue, "the file is too large for a key").with_path(path)),
    }
}

#[cfg(all(test, feature = "sign"))]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_known_and_what_was_changed_is_not() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let secret = pair.sk.to_box(None).unwrap().into_string();
        let public: PublicKey = pair.pk.to_box().unwrap().into_string().parse().unwrap();
        let key = SigningKey::parse(&secret, None).unwrap();
        let signature = key.sign("metadata.json", b"{}").unwrap();
        assert!(signature.contains("trusted comment: file:metadata.json"), "{signature}");
        public.verify(b"{}", signature.as_bytes()).unwrap();
        let error = public.verify(b"{ }", signature.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSignature);
        assert!(public.verify(b"{}", b"").is_err());
        let other: PublicKey = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".parse().unwrap();
        assert!(other.verify(b"{}", signature.as_bytes()).is_err());
        assert!(!format!("{key:?}").contains("RWR"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(SigningKey::parse("nothing", None).unwrap_err().kind(), ErrorKind::InvalidValue);
        assert_eq!("nothing".parse::<PublicKey>().unwrap_err().kind(), ErrorKind::InvalidValue);
    }
}
