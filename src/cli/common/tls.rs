//! `--tls-...` of the commands that listen: who the server is to clients that speak TLS.
//!
//! Input: the settings. Output: a [`Tls`], for the listeners that speak it, or why it cannot work.
//! Reading the files is left to `wirebell::tls`.

use crate::cli::common::Failure;
use crate::cli::common::one_or_many;
#[cfg(feature = "self-signed")]
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wirebell::net::Listen;
#[cfg(feature = "self-signed")]
use wirebell::tls::SelfSigned;
use wirebell::tls::{Acceptor, AcceptorOptions, Authorities, ClientAuth};
use wirebell::tls::{Identity, Version};

/// What turns TLS on.
const NEEDED: &str = "set --tls-cert and --tls-key";

/// The settings of TLS, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct TlsSettings {
    /// File with the certificate (PEM), followed by those of intermediate authorities; with it,
    /// listeners speak TLS. May be given several times, each with its --tls-key: clients get the
    /// one for the name they ask for, otherwise the first. A server reloads it when it changes
    /// [default: no TLS]
    #[arg(
        long,
        value_name = "FILE",
        env = "WIREBELL_TLS_CERT",
        value_delimiter = ','
    )]
    #[serde(with = "one_or_many", skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<Vec<PathBuf>>,

    /// File with the key of the certificate (PEM, not encrypted); one for each --tls-cert, in the
    /// same order [default: none]
    #[arg(
        long,
        value_name = "FILE",
        env = "WIREBELL_TLS_KEY",
        value_delimiter = ','
    )]
    #[serde(with = "one_or_many", skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<Vec<PathBuf>>,

    /// For development: speak TLS with a new certificate for localhost, this machine and the
    /// --host names of a server, which clients do not trust [default: false]
    #[cfg(feature = "self-signed")]
    #[arg(
        long,
        value_name = "BOOL",
        env = "WIREBELL_TLS_SELF_SIGNED",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_self_signed: Option<bool>,

    /// Lowest version of TLS [default: 1.2]
    #[arg(long, value_name = "VERSION", env = "WIREBELL_TLS_MIN_VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_min_version: Option<MinVersion>,

    /// File with the authorities (PEM) that sign the certificates of clients; a server reloads it
    /// when it changes [default: clients need none]
    #[arg(long, value_name = "FILE", env = "WIREBELL_TLS_CLIENT_CA")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_ca: Option<PathBuf>,

    /// Whether clients must have a certificate of --tls-client-ca [default: required]
    #[arg(long, value_name = "WHETHER", env = "WIREBELL_TLS_CLIENT_AUTH")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth: Option<Whether>,
}

/// A version of TLS, as settings name it.
#[derive(Clone, Copy, Debug, ValueEnum, Deserialize, Serialize)]
pub enum MinVersion {
    /// TLS 1.2 and 1.3
    #[value(name = "1.2")]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3 alone
    #[value(name = "1.3")]
    #[serde(rename = "1.3")]
    Tls13,
}

/// Whether clients must have a certificate.
#[derive(Clone, Copy, Debug, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whether {
    /// A client without one is refused
    Required,
    /// A client may have none
    Optional,
}

impl TlsSettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            #[cfg(feature = "self-signed")]
            tls_self_signed: self.tls_self_signed.or(file.tls_self_signed),
            tls_min_version: self.tls_min_version.or(file.tls_min_version),
            tls_client_ca: self.tls_client_ca.or(file.tls_client_ca),
            tls_client_auth: self.tls_client_auth.or(file.tls_client_auth),
        }
    }

    /// All settings that have a default, if TLS is spoken.
    pub fn effective(mut self) -> Self {
        if self.tls_cert.is_some() || self.is_self_signed() {
            self.tls_min_version.get_or_insert(MinVersion::Tls12);
        }
        if self.tls_client_ca.is_some() {
            self.tls_client_auth.get_or_insert(Whether::Required);
        }
        self
    }

    /// Reads the files; `None` if TLS is not spoken. `hosts` are the names of the server.
    pub fn load(&self, hosts: &[String]) -> Result<Option<Tls>, Failure> {
        let certificates = self.tls_cert.as_deref().unwrap_or_default();
        let keys = self.tls_key.as_deref().unwrap_or_default();
        if certificates.len() != keys.len() {
            let (more, fewer) = match certificates.len() > keys.len() {
                true => ("--tls-cert", "--tls-key"),
                false => ("--tls-key", "--tls-cert"),
            };
            return Err(Failure::usage(format!(
                "{more}: each needs its {fewer}: give as many of one as of the other, in the same \
                 order"
            )));
        }
        if certificates.is_empty() && !self.is_self_signed() {
            return match self.alone() {
                None => Ok(None),
                Some(flag) => Err(Failure::usage(format!(
                    "{flag}: without a certificate no TLS is spoken: {NEEDED}"
                ))),
            };
        }
        let pairs = certificates.iter().zip(keys);
        let mut identities: Vec<Identity> = pairs
            .map(|(certificate, key)| read_pair(certificate, key))
            .collect::<Result<_, _>>()?;
        let fingerprint = self.sign(&mut identities, hosts)?;
        let options = AcceptorOptions::default()
            .clients(self.clients()?)
            .min_version(match self.tls_min_version {
                Some(MinVersion::Tls13) => Version::Tls13,
                _ => Version::Tls12,
            });
        let acceptor = Acceptor::new(identities, options);
        let acceptor = acceptor.map_err(|error| Failure::failed(format!("--tls-cert: {error}")))?;
        Ok(Some(Tls {
            acceptor,
            fingerprint,
        }))
    }

    /// A flag that means nothing without a certificate.
    fn alone(&self) -> Option<&'static str> {
        let flags = [
            (self.tls_min_version.is_some(), "--tls-min-version"),
            (self.tls_client_ca.is_some(), "--tls-client-ca"),
            (self.tls_client_auth.is_some(), "--tls-client-auth"),
        ];
        flags
            .into_iter()
            .find_map(|(is_set, flag)| is_set.then_some(flag))
    }

    #[cfg(feature = "self-signed")]
    fn is_self_signed(&self) -> bool {
        self.tls_self_signed == Some(true)
    }

    #[cfg(not(feature = "self-signed"))]
    fn is_self_signed(&self) -> bool {
        false
    }

    /// Adds a new certificate, if one is wanted, and returns its fingerprint.
    #[cfg(feature = "self-signed")]
    fn sign(
        &self,
        identities: &mut Vec<Identity>,
        hosts: &[String],
    ) -> Result<Option<String>, Failure> {
        if !self.is_self_signed() {
            return Ok(None);
        }
        if !identities.is_empty() {
            return Err(Failure::usage(
                "--tls-self-signed: there is a --tls-cert as well: leave out one of them".into(),
            ));
        }
        let failed = |error| Failure::failed(format!("--tls-self-signed: {error}"));
        let made = SelfSigned::new(hosts).map_err(failed)?;
        identities.push(made.identity().map_err(failed)?);
        Ok(Some(made.fingerprint()))
    }

    #[cfg(not(feature = "self-signed"))]
    fn sign(&self, _: &mut Vec<Identity>, _: &[String]) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    fn clients(&self) -> Result<ClientAuth, Failure> {
        let authorities = self.tls_client_ca.as_ref().map(Authorities::from_file);
        let authorities = authorities.transpose();
        let authorities =
            authorities.map_err(|error| Failure::failed(format!("--tls-client-ca {error}")))?;
        match (authorities, self.tls_client_auth) {
            (None, None) => Ok(ClientAuth::None),
            (None, Some(_)) => Err(Failure::usage(
                "--tls-client-auth: it needs the authorities of clients: set --tls-client-ca"
                    .into(),
            )),
            (Some(authorities), Some(Whether::Optional)) => Ok(ClientAuth::Optional(authorities)),
            (Some(authorities), _) => Ok(ClientAuth::Required(authorities)),
        }
    }
}

fn read_pair(certificate: &Path, key: &Path) -> Result<Identity, Failure> {
    Identity::from_files(certificate, key).map_err(|error| {
        let error = error.to_string();
        let is_about_key = error.starts_with(&format!("{}: ", key.display()));
        let flag = match is_about_key && certificate != key {
            true => "--tls-key",
            false => "--tls-cert",
        };
        Failure::failed(format!("{flag} {error}"))
    })
}

/// How a server speaks TLS.
pub struct Tls {
    acceptor: Acceptor,
    /// The fingerprint of a new certificate, if one was made.
    fingerprint: Option<String>,
}

impl Tls {
    /// For connections that are accepted one by one.
    #[cfg(feature = "cli")]
    pub fn acceptor(&self) -> &Acceptor {
        &self.acceptor
    }

    /// Makes a listener speak TLS.
    pub fn secure(&self, listen: Listen) -> Listen {
        listen.secured(self.acceptor.clone())
    }

    /// Fails if clients would refuse a certificate now.
    pub fn check(&self) -> Result<(), Failure> {
        for identity in self.acceptor.identities() {
            let checked = identity.check();
            checked.map_err(|error| Failure::failed(format!("--tls-cert {error}")))?;
        }
        Ok(())
    }

    /// Logs what clients may refuse.
    pub fn warn(&self) {
        for warning in self
            .acceptor
            .identities()
            .iter()
            .flat_map(Identity::warnings)
        {
            log::warn!("{warning}");
        }
    }

    /// Reads the files again, and logs the result.
    pub fn reload(&self) {
        for outcome in self.acceptor.reload() {
            match outcome {
                Ok(text) => log::info!("{text}"),
                Err(error) => log::warn!("{error}"),
            }
        }
    }

    /// The SHA-256 of a self-signed certificate.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }
}
