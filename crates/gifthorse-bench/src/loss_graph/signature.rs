//! Ed25519 signatures of files, of the 64 bytes that RFC 8032 has, in a file of their own beside
//! the file that they are of: other programs can make and check them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use crate::Error;

/// What the DER of an Ed25519 public key begins with (RFC 8410); its 32 bytes follow.
const PUBLIC: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// Bytes of a public key.
const KEY: usize = 32;

/// Where the signature of a file is: beside it, with `.sig` behind its name.
#[must_use]
pub fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// A private key.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads a PEM file with a PKCS #8 key, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`Error::Key`] for a file that is none, or has a key of another kind.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let der = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|error| unread(path, &error))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        let pair = pair.map_err(|_| of_another_kind(path))?;
        Ok(Self(pair))
    }

    /// Signs a file: writes the signature beside it, and gives where.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn sign(&self, path: &Path) -> Result<PathBuf, Error> {
        let bytes = super::bytes_of(path)?;
        let signature = signature_of(path);
        fs::write(&signature, self.0.sign(&bytes)).map_err(|source| Error::System {
            path: signature.clone(),
            done: "written",
            source,
        })?;
        Ok(signature)
    }
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; KEY]);

impl PublicKey {
    /// Reads a PEM file with a public key, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`Error::Key`] for a file that is none, or has a key of another kind.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let der = SubjectPublicKeyInfoDer::from_pem_file(path);
        let der = der.map_err(|error| unread(path, &error))?;
        let key = der.as_ref().strip_prefix(&PUBLIC);
        let key = key.and_then(|key| key.try_into().ok());
        key.map(Self).ok_or_else(|| of_another_kind(path))
    }

    /// Refuses bytes of a file that the signature beside it is not of.
    pub(super) fn check(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let untrusted = |reason: String| Error::Untrusted {
            path: path.to_owned(),
            reason,
        };
        let beside = signature_of(path);
        let signature = fs::read(&beside).map_err(|source| match source.kind() {
            ErrorKind::NotFound => untrusted(format!(
                "its signature, {}, is not there: `gifthorse graph sign` makes it",
                beside.display()
            )),
            _ => Error::System {
                path: beside.clone(),
                done: "read",
                source,
            },
        })?;
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(bytes, &signature).map_err(|_| {
            untrusted(format!(
                "{} is no signature of it by the owner of this key",
                beside.display()
            ))
        })
    }
}

fn unread(path: &Path, error: &rustls_pki_types::pem::Error) -> Error {
    Error::Key {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

fn of_another_kind(path: &Path) -> Error {
    Error::Key {
        path: path.to_owned(),
        reason: "it is not a key for Ed25519: `openssl genpkey -algorithm ed25519` makes one"
            .to_owned(),
    }
}
