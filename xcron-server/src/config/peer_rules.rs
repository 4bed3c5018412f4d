//! What the keys about other nodes must be together.

use super::contradictions::Judge;
use super::{Config, PeerConfig};

/// A shorter secret could be guessed.
const SECRET_BYTES_MIN: usize = 16;

pub(super) fn judge_peers(config: &Config, judge: &mut Judge<'_>) {
    let peer = &config.peer;
    if !peer.peer_hosts.is_empty() && !peer.join.is_empty() {
        let problem = "excludes peer.peer_hosts, set peer_hosts on founding nodes and join on \
                       later ones";
        judge.refuse("peer.join", problem);
    } else if !peer.peer_hosts.is_empty() || !peer.join.is_empty() {
        judge_own_address(config, judge);
    }
    judge_secret(config, judge);
    judge_tls(peer, judge);
}

/// The others must be able to dial this node. Whether the list holds it shows only when the
/// cluster is founded: later a node may have moved.
fn judge_own_address(config: &Config, judge: &mut Judge<'_>) {
    let peer = &config.peer;
    if peer.advertise.is_empty() && config.host.is_unspecified() {
        let problem = format!(
            "is empty and nobody can dial host, which is {}, set it to \"host:port\" as the \
             other nodes reach this one",
            config.host
        );
        judge.refuse("peer.advertise", problem);
        return;
    }
    if peer.peer_hosts.is_empty() {
        return;
    }
    if peer.advertise.is_empty() && config.peer_port == 0 {
        let problem = "0 takes any free port, which peer.peer_hosts cannot name, choose a port \
                       or set peer.advertise";
        judge.refuse("peer_port", problem);
    }
}

/// The name of the variable is not shown: it may be the secret, put in the wrong place.
fn judge_secret(config: &Config, judge: &mut Judge<'_>) {
    let peer = &config.peer;
    if peer.secret_env.is_empty() {
        if peer.has_peers() && !config.host.is_loopback() {
            let problem = format!(
                "is empty and host, which is {}, can be reached from other machines, name an \
                 environment variable that holds the secret of the cluster",
                config.host
            );
            judge.refuse("peer.secret_env", problem);
        }
        return;
    }
    let expected =
        format!("set it to the secret of the cluster, at least {SECRET_BYTES_MIN} bytes");
    let problem = match peer.secret.as_ref().map(|secret| secret.bytes().len()) {
        None => "the variable that it names is not set".to_owned(),
        Some(0) => "the variable that it names is empty".to_owned(),
        Some(bytes @ ..SECRET_BYTES_MIN) => format!("the variable that it names has {bytes} bytes"),
        Some(_) => return,
    };
    judge.refuse("peer.secret_env", format!("{problem}, {expected}"));
}

fn judge_tls(peer: &PeerConfig, judge: &mut Judge<'_>) {
    let files = [
        ("peer.tls_cert", &peer.tls_cert),
        ("peer.tls_key", &peer.tls_key),
        ("peer.tls_ca", &peer.tls_ca),
    ];
    let Some((named, _)) = files.iter().find(|(_, path)| !path.is_empty()) else {
        return;
    };
    for (key, _) in files.iter().filter(|(_, path)| path.is_empty()) {
        let problem = format!("is empty but {named} is not, set all three files or none");
        judge.refuse(key, problem);
    }
}
