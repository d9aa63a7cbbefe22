//! Where a database is, as a configuration says it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::fault::Fault;

/// Where a database is: `sqlite:PATH`, `postgres://USER@HOST/DATABASE` or `memory:`.
///
/// Over a network, PostgreSQL is spoken to by TLS alone, and its certificate must be for that host (`sslmode=verify-full`,
/// which is what an address without `sslmode` means; `sslrootcert=FILE` names the authority). On this machine, by a
/// socket or the loopback interface, anything goes. A password is better put into `~/.pgpass` or `PGPASSWORD`.
#[derive(Clone)]
#[non_exhaustive]
pub enum DatabaseUrl {
    /// As long as the process lives.
    Memory,
    /// A PostgreSQL database, with all that its address says.
    Postgres(Box<PgConnectOptions>),
    /// A file.
    Sqlite(PathBuf),
}

impl FromStr for DatabaseUrl {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", rest)) => sqlite(text, rest),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => postgres(text),
            // What it is meant to be is unknown, and so is where a password may stand in it.
            _ => Err(Fault::Url { given: "what was given".into(), reason: "it starts as none does" }),
        }
    }
}

fn sqlite(text: &str, rest: &str) -> Result<DatabaseUrl, Fault> {
    match rest.strip_prefix("//").unwrap_or(rest) {
        "" => Err(Fault::Url { given: text.into(), reason: "it names no file" }),
        path => Ok(DatabaseUrl::Sqlite(path.into())),
    }
}

fn postgres(text: &str) -> Result<DatabaseUrl, Fault> {
    let refused = |reason| Fault::Url { given: "what was given".into(), reason };
    let options = PgConnectOptions::from_str(text).map_err(|_| refused("it cannot be read"))?;
    let options = if is_local(&options) { options } else { encrypted(options)? };
    let url = DatabaseUrl::Postgres(Box::new(options));
    Ok(url)
}

/// Whether nobody on a network can come in between.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host.starts_with('/') || host == "localhost" || is_loopback
}

fn encrypted(options: PgConnectOptions) -> Result<PgConnectOptions, Fault> {
    match options.get_ssl_mode() {
        PgSslMode::VerifyFull | PgSslMode::Prefer => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Require | PgSslMode::VerifyCa => {
            let given = DatabaseUrl::Postgres(Box::new(options)).to_string();
            Err(Fault::Url { given, reason: "over a network its sslmode must be verify-full" })
        }
    }
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(options) => {
                let (user, database) = (options.get_username(), options.get_database().unwrap_or_default());
                match options.get_socket() {
                    Some(folder) => write!(f, "postgres:///{database}?host={}&user={user}", folder.display()),
                    None => write!(f, "postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
                }
            }
        }
    }
}

/// As it is displayed: the options would tell the password.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_displayed_as_it_was_given_but_for_the_password() {
        for (given, displayed) in [
            ("memory:", "memory:"),
            ("sqlite:state.sqlite", "sqlite:state.sqlite"),
            ("sqlite:///var/lib/convoy/state.sqlite", "sqlite:/var/lib/convoy/state.sqlite"),
            ("postgres://oem:secret@db.example:5433/images", "postgres://oem@db.example:5433/images"),
            ("postgresql://oem:secret@127.0.0.1/images", "postgres://oem@127.0.0.1:5432/images"),
            ("postgres:///images?host=/run/db&user=oem&password=secret", "postgres:///images?host=/run/db&user=oem"),
        ] {
            assert_eq!(parsed(given).to_string(), displayed);
            assert!(!format!("{:?}", parsed(given)).contains("secret"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_telling_a_password() {
        for given in ["", "state.sqlite", "sqlite:", "memory:x", "mysql://a:secret@b/c", "postgres://a:secret@b:x/c"] {
            let refused = given.parse::<DatabaseUrl>().unwrap_err();
            assert!(matches!(refused, Fault::Url { .. }), "{given}");
            assert!(!refused.to_string().contains("secret"));
        }
    }

    #[test]
    fn over_a_network_the_server_is_verified_and_nothing_less_is_taken() {
        for mode in ["", "?sslmode=verify-full", "?sslmode=prefer"] {
            let DatabaseUrl::Postgres(options) = parsed(&format!("postgres://oem@db.example/images{mode}")) else {
                panic!("another kind of address");
            };
            assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull), "{mode}");
        }
        for mode in ["disable", "allow", "require", "verify-ca"] {
            let refused = format!("postgres://oem@10.0.0.1/images?sslmode={mode}").parse::<DatabaseUrl>();
            assert!(matches!(refused, Err(Fault::Url { .. })), "{mode}");
        }
    }

    #[test]
    fn on_this_machine_a_database_needs_no_certificate() {
        for host in ["localhost", "127.0.0.1", "%2Frun%2Fdb"] {
            parsed(&format!("postgres://oem@{host}/images?sslmode=disable"));
        }
    }
}
