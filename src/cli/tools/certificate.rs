//! `wirebell certificate`: a self-signed certificate and its key, for development.
//!
//! Input: names, and a directory. Output: `cert.pem` and `key.pem` in it. Invariant: no file is
//! ever overwritten, and only its owner may read the key.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use clap::Args;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use wirebell::tls::SelfSigned;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
                  wirebell certificate --output tls push.example\n  \
                  wirebell serve --tls-cert tls/cert.pem --tls-key tls/key.pem\n  \
                  curl --cacert tls/cert.pem https://localhost:8080/healthz\n\n\
                  The certificate is valid for 90 days, for localhost, 127.0.0.1, ::1, the name\n\
                  of this machine, and the given names. It signs itself: clients accept it if\n\
                  they are told to trust cert.pem. For a server that others use, get one from an\n\
                  authority.\n\n\
                  Exit status: 0 written, 1 failed, 2 wrong usage.")]
pub struct CertificateArgs {
    /// Write cert.pem and key.pem into this directory, which is created if missing
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,

    /// Further names and addresses of the server
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// Writes both files and prints what the certificate is for.
pub fn run(args: &CertificateArgs) -> Result<(), Failure> {
    let made = SelfSigned::new(&args.names).map_err(|error| Failure::usage(error.to_string()))?;
    let folder = &args.output;
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    write(&key, 0o600, made.key_pem()).map_err(|error| failed(&key, &error))?;
    if let Err(error) = write(&certificate, 0o644, made.certificate_pem()) {
        // A key alone is useless.
        let _ = fs::remove_file(&key);
        return Err(failed(&certificate, &error));
    }
    print(format!(
        "{}: for {}\nSHA-256 {}\n",
        certificate.display(),
        made.names().join(", "),
        made.fingerprint()
    ))
}

fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file?.write_all(text.as_bytes())
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::AlreadyExists => "; name another directory, or remove it",
        _ => "",
    };
    Failure::failed(format!("{}: {error}{hint}", path.display()))
}
