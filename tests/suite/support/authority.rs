//! A certificate authority of the test's own, and a server's certificate by it for 127.0.0.1 and `localhost`.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::Workspace;

/// Writes `ca.pem`, `server.pem` and `server.key` into a folder; `name` tells authorities apart.
pub(crate) fn write_authority(workspace: &Workspace, name: &str) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, name);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    workspace.write("ca.pem", &root.pem());
    workspace.write("server.pem", &server.pem());
    workspace.write("server.key", &key.serialize_pem());
}
