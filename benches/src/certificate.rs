//! A certificate authority for one run, and its certificate for `localhost`: RSA with 2048 bits, as DynamoDB's are.

use std::{path::Path, process::Command, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::Failure;

/// What a client has to trust, in the folder given to [`make`].
pub(crate) const ROOT: &str = "ca.pem";

/// Makes both with `openssl` in `folder`.
pub(crate) fn make(folder: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let authority = ["-out", ROOT, "-keyout", "ca.key", "-subj", "/CN=bench", "-addext", "keyUsage=keyCertSign"];
    openssl(folder, &authority)?;
    let signed_by = ["-CA", ROOT, "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"];
    let leaf = ["-out", "leaf.pem", "-keyout", "leaf.key", "-subj", "/CN=localhost"];
    let name = ["-addext", "subjectAltName=DNS:localhost"];
    openssl(folder, &[&leaf[..], &name, &signed_by].concat())?;

    let file = |name: &str| folder.join(name);
    let leaf = CertificateDer::from_pem_file(file("leaf.pem"))?;
    let key = PrivateKeyDer::from_pem_file(file("leaf.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_no_client_auth().with_single_cert(vec![leaf], key)?))
}

fn openssl(folder: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]).args(arguments).current_dir(folder);
    let output = command.output().map_err(|error| format!("openssl: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("openssl: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
