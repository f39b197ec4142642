//! TLS on both sides.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gifthorse_guard::{Error, Guard, Mode, ServerTls, UpstreamTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use crate::calls::{infer_json, raw_message};
use crate::client::Client;
use crate::corner::{CLEAN, Corner, STAMPED};
use crate::rig::{Rig, config};
use crate::server::Server;

/// An authority with its files.
struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate and key for this machine.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (chain, secret) = (
            self.file(&format!("{name}.pem")),
            self.file(&format!("{name}.key")),
        );
        fs::write(&chain, certificate.pem()).unwrap();
        fs::write(&secret, key.serialize_pem()).unwrap();
        (chain, secret)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(one(&self.file("ca.pem"))).unwrap();
        roots
    }
}

fn one(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

#[tokio::test]
async fn both_sides_of_both_protocols() {
    let authority = Authority::new();
    let (chain, secret) = authority.issue("server");
    // The server wants a certificate of the guard.
    let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(authority.roots()));
    let mut tls = ServerConfig::builder()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![one(&chain)],
            PrivateKeyDer::from_pem_file(&secret).unwrap(),
        )
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let server = Server::start_at("127.0.0.1:0".parse().unwrap(), Some(acceptor)).await;

    let (certificates, key) = authority.issue("guard");
    let rig = Rig::with(Mode::Reject, Corner::default(), |config| {
        config.upstream = format!("https://{}", server.address).parse().unwrap();
        config.grpc_upstream = Some(config.upstream.clone());
        config.upstream_tls = UpstreamTls {
            authorities: Some(authority.file("ca.pem")),
            identity: Some((certificates.clone(), key.clone())),
        };
        config.tls = Some(ServerTls {
            certificates,
            key,
            client_authorities: Some(authority.file("ca.pem")),
        });
    })
    .await;
    let base = format!("https://localhost:{}", rig.address.port());
    let (chain, secret) = authority.issue("client");
    let secret = PrivateKeyDer::from_pem_file(&secret).unwrap();
    let trust = ClientConfig::builder().with_root_certificates(authority.roots());
    let known = trust
        .clone()
        .with_client_auth_cert(vec![one(&chain)], secret)
        .unwrap();
    let client = Client::with_base(&base, known);
    assert_eq!(infer_json(&client, &[CLEAN]).await.status, 200);
    assert_eq!(infer_json(&client, &[STAMPED]).await.status, 422);
    client.infer(raw_message(&[CLEAN])).await.unwrap();
    assert_eq!(server.inferences(), 2);

    // Who has no certificate, or speaks in the clear, gets no answer.
    let stranger = Client::with_base(&base, trust.with_no_client_auth());
    let path = "/v2/health/live";
    assert!(
        stranger
            .try_ask(hyper::Method::GET, path, &[], "")
            .await
            .is_err()
    );
    assert!(
        rig.client
            .try_ask(hyper::Method::GET, path, &[], "")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (chain, secret) = theirs.issue("server");
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![one(&chain)],
            PrivateKeyDer::from_pem_file(&secret).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let server = Server::start_at("127.0.0.1:0".parse().unwrap(), Some(acceptor)).await;
    let rig = Rig::with(Mode::Flag, Corner::default(), |config| {
        config.upstream = format!("https://{}", server.address).parse().unwrap();
        config.upstream_tls.authorities = Some(ours.file("ca.pem"));
    })
    .await;
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 502);
    assert_eq!(server.inferences(), 0);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let (certificates, key) = authority.issue("guard");
    let empty = authority.file("empty.pem");
    fs::write(&empty, "").unwrap();
    let bind = async |certificates: &Path, key: &Path| {
        let mut config = config("127.0.0.1:9".parse().unwrap(), Mode::Flag);
        config.tls = Some(ServerTls {
            certificates: certificates.to_owned(),
            key: key.to_owned(),
            client_authorities: None,
        });
        Guard::bind(&config, Arc::new(Corner::default())).await
    };
    assert!(bind(&certificates, &key).await.is_ok());
    for (certificates, key, named) in [
        (&empty, &key, "empty.pem"),
        (&certificates, &empty, "empty.pem"),
        (&authority.file("none.pem"), &key, "none.pem"),
    ] {
        let error = bind(certificates, key).await.err().unwrap();
        assert!(
            matches!(error, Error::TlsFile { .. }) && error.to_string().contains(named),
            "{error}"
        );
    }
    let (_, other) = authority.issue("other");
    assert!(matches!(
        bind(&certificates, &other).await,
        Err(Error::Tls(_))
    ));
}
