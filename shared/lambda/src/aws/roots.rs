//! Whom the AWS clients trust: the roots that AWS's endpoints chain to, and nobody else.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{RootCertStore, pki_types::CertificateDer};

use crate::StartError;

/// The variable by which AWS's other SDKs are given a list of roots in PEM: for an emulator that speaks TLS.
pub(super) const BUNDLE: &str = "AWS_CA_BUNDLE";

/// Amazon Trust Services' roots (<https://www.amazontrust.com/repository/>) by their subjects' common names.
const AMAZON: [&str; 2] = ["Amazon Root CA ", "Starfield Services Root Certificate Authority - G2"];

/// Out of Mozilla's list, in which they stand as constants: a certificate in PEM would have to be parsed at every start.
pub(super) fn amazon() -> RootCertStore {
    let subject = |root: &&rustls::pki_types::TrustAnchor<'_>| {
        AMAZON.iter().any(|name| root.subject.windows(name.len()).any(|part| part == name.as_bytes()))
    };
    webpki_roots::TLS_SERVER_ROOTS.iter().filter(subject).cloned().collect()
}

/// The roots in a file instead.
///
/// # Errors
/// [`StartError::Invalid`]: it cannot be read, or something in it is no certificate.
pub(super) fn bundle(path: &str) -> Result<RootCertStore, StartError> {
    let invalid = |why: String| StartError::Invalid { name: BUNDLE, reason: why };
    let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let lines = block.split("-----END").next().unwrap_or_default().split_whitespace();
        let der = STANDARD.decode(lines.collect::<String>()).map_err(|error| invalid(error.to_string()))?;
        roots.add(CertificateDer::from(der)).map_err(|error| invalid(error.to_string()))?;
    }
    if roots.is_empty() { Err(invalid("it holds no certificate in PEM".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_five_roots_are_trusted_and_nobody_elses() {
        assert_eq!(amazon().len(), 5);
    }

    #[test]
    fn a_bundle_that_holds_no_certificate_stops_the_function() {
        let file = std::env::temp_dir().join(format!("innkeeper-roots-{}.pem", std::process::id()));
        for text in
            ["", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nAAAA\n"]
        {
            std::fs::write(&file, text).unwrap();
            assert!(
                matches!(bundle(&file.display().to_string()), Err(StartError::Invalid { name: BUNDLE, .. })),
                "{text}"
            );
        }
        std::fs::remove_file(&file).unwrap();
        assert!(bundle(&file.display().to_string()).is_err());
    }
}
