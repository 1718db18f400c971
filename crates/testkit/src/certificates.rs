//! Certificates that tests show: authorities, and what they issue.
use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};

/// An authority of a test.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its private key, as PEM.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Now, and for long.
    Now,
    /// Until the end of the year 2000.
    Past,
    /// From the year 2900 on.
    Future,
}

impl Authority {
    /// An authority of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// Its own certificate (PEM).
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a certificate. A name with `://` is a URI, an address of IP one of these, and any other name
    /// one of DNS.
    #[must_use]
    pub fn issue(&self, names: &[&str], validity: Validity) -> IssuedCertificate {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(names, validity).signed_by(&key, &self.issuer).expect("a certificate");
        IssuedCertificate { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl IssuedCertificate {
    /// A certificate that no authority issued.
    #[must_use]
    pub fn self_signed(names: &[&str]) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(names, Validity::Now).self_signed(&key).expect("a certificate");
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Writes the two files into a folder, the way that Kubernetes mounts a secret: `tls.crt` and `tls.key`
    /// are links to a folder that one link replaces. Returns their paths.
    #[must_use]
    pub fn mount(&self, folder: &Path) -> (PathBuf, PathBuf) {
        fs::create_dir_all(folder).expect("a folder");
        let count = fs::read_dir(folder).expect("a folder").count();
        let (version, next, current) =
            (format!("..version-{count}"), folder.join("..next"), folder.join("..data"));
        fs::create_dir(folder.join(&version)).expect("a folder");
        let files = [("tls.crt", &self.certificate), ("tls.key", &self.key)];
        for (name, content) in files {
            fs::write(folder.join(&version).join(name), content).expect("a file");
            if !folder.join(name).exists() {
                std::os::unix::fs::symlink(format!("..data/{name}"), folder.join(name)).expect("a link");
            }
        }
        std::os::unix::fs::symlink(&version, &next).expect("a link");
        fs::rename(&next, &current).expect("a link replaces another");
        (folder.join("tls.crt"), folder.join("tls.key"))
    }
}

fn params(names: &[&str], validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.iter().map(|name| alternative_name(name)).collect();
    params.distinguished_name.push(DnType::CommonName, "orewatch test");
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    match validity {
        Validity::Now => {}
        Validity::Past => params.not_after = date_time_ymd(2000, 12, 31),
        Validity::Future => params.not_before = date_time_ymd(2900, 1, 1),
    }
    params
}

fn alternative_name(name: &str) -> SanType {
    if name.contains("://") {
        return SanType::URI(name.try_into().expect("a URI is ASCII"));
    }
    name.parse()
        .map_or_else(|_| SanType::DnsName(name.try_into().expect("a DNS name is ASCII")), SanType::IpAddress)
}
