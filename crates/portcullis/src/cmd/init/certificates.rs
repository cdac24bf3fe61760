//! A certificate authority for the demonstration, and one certificate for all its hostnames.

use std::path::Path;

use policy::Time;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::exit::{Exit, Failure, Result};
use crate::home::write_new;

/// Writes `ca.pem`, and `demo.pem` (chain) with `demo.key`. The authority's key is forgotten: it signs nothing else.
pub(super) fn write(dir: &Path, hostnames: Vec<String>, now: Time) -> Result<()> {
    let (ca, chain, key) = make(hostnames, now).map_err(|e| {
        Failure::new(Exit::Failed, format!("cannot make the demonstration's certificate: {e}"))
    })?;
    write_new(&dir.join("ca.pem"), &ca, false)?;
    write_new(&dir.join("demo.pem"), &chain, false)?;
    write_new(&dir.join("demo.key"), &key, true)
}

fn make(hostnames: Vec<String>, now: Time) -> std::result::Result<(String, String, String), rcgen::Error> {
    let (from, to) = super::years(now);
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.distinguished_name.push(DnType::CommonName, "Portcullis demonstration authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (ca.not_before, ca.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;
    let mut leaf = CertificateParams::new(hostnames)?;
    leaf.distinguished_name.push(DnType::CommonName, "Portcullis demonstration");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    (leaf.not_before, leaf.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
    let leaf_key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key))?;
    let chain = certificate.pem() + &ca_certificate.pem();
    Ok((ca_certificate.pem(), chain, leaf_key.serialize_pem()))
}
