//! The services that peers stand on, each started for one piece of work, with free ports of the
//! loopback address and an empty folder.

use super::catalog::Service;
use super::install::Installed;
use super::programs::{Running, find, last_lines_of, run};
use crate::client::Connection;
use crate::fault::Result;
use rustix::process::{Signal, geteuid};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long one may take until it serves.
const START_MAX: Duration = Duration::from_secs(60);
/// How often it is asked whether it does.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How long it may take to answer that.
const ASK_MAX: Duration = Duration::from_secs(5);
/// The partitions of Restate's log: more of them only share two cores.
const RESTATE_PARTITIONS: &str = "4";

/// A service that runs until this is dropped.
#[derive(Debug)]
pub struct Serving {
    /// Where it serves, as a URL.
    pub url: String,
    /// Where it is set up, as a URL, if that is somewhere else.
    pub admin: String,
    /// What it calls itself.
    pub version: String,
    _running: Running,
}

/// What answers once a service serves.
enum Answers {
    /// This command succeeds.
    Command(Vec<String>),
    /// `PING` is answered by `+PONG`.
    Ping(SocketAddr),
    /// `GET` of this path is answered by 200.
    Found(SocketAddr, &'static str),
}

/// Starts `service` of a peer with `folder` for its files.
///
/// # Errors
/// When it does not serve in time; the message ends with what it said.
pub async fn start(service: Service, installed: &Installed, folder: &Path) -> Result<Serving> {
    match service {
        Service::Postgres => postgres(folder).await,
        Service::Redis => redis(folder).await,
        Service::Restate => restate(&installed.restate_server()?, folder).await,
        Service::Dkron => dkron(&installed.dkron(), folder).await,
    }
}

async fn postgres(folder: &Path) -> Result<Serving> {
    let [port] = free_ports()?;
    let (kept, owner) = (folder.join("postgres"), owner(folder)?);
    let as_owner = |program: &str| -> Result<Command> {
        let mut command = Command::new(program_of(program)?);
        command.current_dir(folder);
        if let Some((user, group)) = owner {
            command.uid(user).gid(group);
        }
        Ok(command)
    };
    let mut initdb = as_owner("initdb")?;
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-D"]).arg(&kept);
    run(initdb, START_MAX).await?;
    let mut command = as_owner("postgres")?;
    command.arg("-D").arg(&kept).args(["-p", &port.to_string()]);
    command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
    let ready = program_of("pg_isready")?.to_string_lossy().into_owned();
    let ready = [&ready, "-q", "-h", "127.0.0.1", "-p", &port.to_string()].map(String::from);
    // SIGINT ends sessions, SIGTERM waits for them.
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let answers = Answers::Command(ready.to_vec());
    Ok(Serving {
        url,
        admin: String::new(),
        version: version_of(&program_of("postgres")?).await?,
        _running: serving(command, folder, Signal::INT, &answers).await?,
    })
}

async fn redis(folder: &Path) -> Result<Serving> {
    let [port] = free_ports()?;
    let program = program_of("redis-server")?;
    let mut command = Command::new(&program);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
    command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(folder);
    let answers = Answers::Ping(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    Ok(Serving {
        url: format!("redis://127.0.0.1:{port}"),
        admin: String::new(),
        version: version_of(&program).await?,
        _running: serving(command, folder, Signal::TERM, &answers).await?,
    })
}

async fn restate(program: &Path, folder: &Path) -> Result<Serving> {
    let [ingress, admin, fabric] = free_ports()?;
    let local = |port: u16| format!("127.0.0.1:{port}");
    let mut command = Command::new(program);
    command.args(["--no-logo", "--listen-mode", "tcp", "--node-name", "peer", "--base-dir"]);
    command.arg(folder).current_dir(folder).envs([
        ("RESTATE_BIND_ADDRESS", local(fabric)),
        ("RESTATE_ADVERTISED_ADDRESS", format!("http://{}", local(fabric))),
        ("RESTATE_INGRESS__BIND_ADDRESS", local(ingress)),
        ("RESTATE_ADMIN__BIND_ADDRESS", local(admin)),
        ("RESTATE_DEFAULT_NUM_PARTITIONS", RESTATE_PARTITIONS.into()),
        ("RESTATE_DISABLE_TELEMETRY", "true".into()),
        ("DO_NOT_TRACK", "1".into()),
        ("RUST_LOG", "warn".into()),
    ]);
    let answers = Answers::Found(SocketAddr::from((Ipv4Addr::LOCALHOST, admin)), "/health");
    Ok(Serving {
        url: format!("http://{}", local(ingress)),
        admin: format!("http://{}", local(admin)),
        version: version_of(program).await?,
        _running: serving(command, folder, Signal::TERM, &answers).await?,
    })
}

async fn dkron(program: &Path, folder: &Path) -> Result<Serving> {
    let [http, gossip, rpc] = free_ports()?;
    let local = |port: u16| format!("127.0.0.1:{port}");
    let mut command = Command::new(program);
    command.args(["agent", "--server", "--bootstrap-expect", "1", "--node-name", "peer"]);
    command.args(["--bind-addr", &local(gossip), "--advertise-addr", "127.0.0.1"]);
    command.args(["--http-addr", &local(http), "--rpc-port", &rpc.to_string()]);
    command.args(["--log-level", "error", "--ui=false", "--disable-usage-stats", "--data-dir"]);
    command.arg(folder.join("dkron")).current_dir(folder);
    let mut version = Command::new(program);
    version.arg("version");
    let version = run(version, ASK_MAX).await?.stdout;
    // It leads, and takes jobs, some seconds after it listens.
    let leads = Answers::Found(SocketAddr::from((Ipv4Addr::LOCALHOST, http)), "/v1/isleader");
    Ok(Serving {
        url: format!("http://{}", local(http)),
        admin: String::new(),
        version: dkron_version(&String::from_utf8_lossy(&version)),
        _running: serving(command, folder, Signal::INT, &leads).await?,
    })
}

/// The version in what Dkron says of itself.
fn dkron_version(said: &str) -> String {
    let version = said.lines().find_map(|line| line.strip_prefix("Version:"));
    format!("Dkron {}", version.unwrap_or("of an unknown version").trim())
}

/// Starts `command` and waits until it serves.
async fn serving(
    command: Command,
    folder: &Path,
    ends_on: Signal,
    answers: &Answers,
) -> Result<Running> {
    let said = folder.join("service.log");
    let mut running = Running::start(command, &said, ends_on)?;
    let begun = Instant::now();
    loop {
        if answers.now().await {
            return Ok(running);
        }
        if running.has_ended() || begun.elapsed() > START_MAX {
            return Err(format!("its service did not start: {}", last_lines_of(&said)).into());
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

impl Answers {
    async fn now(&self) -> bool {
        match self {
            Self::Command(words) => {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]);
                run(command, ASK_MAX).await.is_ok()
            }
            Self::Ping(address) => answered(pong(*address)).await,
            Self::Found(address, path) => answered(found(*address, path)).await,
        }
    }
}

async fn answered(question: impl Future<Output = Result<bool>>) -> bool {
    matches!(tokio::time::timeout(ASK_MAX, question).await, Ok(Ok(true)))
}

async fn pong(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}

async fn found(address: SocketAddr, path: &str) -> Result<bool> {
    let (status, _) = Connection::open(address).await?.get(address, path).await?;
    Ok(status == 200)
}

/// Whom files in `folder` are given to, which PostgreSQL then runs as: it refuses to run as root.
fn owner(folder: &Path) -> Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let found = ["postgres", "nobody"].iter().find_map(|name| ids_of(&users, name));
    let (user, group) = found.ok_or("no user postgres or nobody, and PostgreSQL refuses root")?;
    std::os::unix::fs::chown(folder, Some(user), Some(group))?;
    Ok(Some((user, group)))
}

/// The numbers of the user `name` and of its group.
fn ids_of(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn program_of(name: &str) -> Result<PathBuf> {
    find(name).ok_or_else(|| format!("no {name} on this machine").into())
}

/// The first line of what `program` says of its version.
async fn version_of(program: &Path) -> Result<String> {
    let mut command = Command::new(program);
    command.arg("--version");
    let said = run(command, ASK_MAX).await?.stdout;
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().next().unwrap_or_default();
    // Redis goes on with how it was built.
    Ok(line.split(" sha=").next().unwrap_or_default().trim().to_owned())
}

/// Ports of the loopback address that were free just now.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::{dkron_version, free_ports, ids_of};

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0::/:/bin/sh\nnobody2:x:1:1::/:\nnobody:x:65534:65533:n:/:/bin/sh\n";
        assert_eq!(ids_of(users, "nobody"), Some((65_534, 65_533)));
        assert_eq!(ids_of(users, "postgres"), None);
    }

    #[test]
    fn dkron_says_its_version_among_others() {
        assert_eq!(dkron_version("Name: Dkron\nVersion: 4.0.9\nCodename: x\n"), "Dkron 4.0.9");
    }

    #[test]
    fn free_ports_differ() {
        let [one, other] = free_ports().expect("ports");
        assert!(one != other && one != 0 && other != 0);
    }
}
