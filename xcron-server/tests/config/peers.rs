//! The keys about other nodes: alone and together.

use crate::bad::assert_refused;
use crate::good::assert_accepted;
use crate::{Written, args, check, env, file, text};

/// Makes a host that other machines reach acceptable, so that only peers are judged.
const OPEN: (&str, &str) = ("XCRON_AUTH__ALLOW_ANONYMOUS", "true");
const SECRET: (&str, &str) = ("SECRET", "sixteen bytes ok");

const ALONE_REFUSED: &[(Written, &str)] = &[
    (
        file("[peer]\npeer_hosts = \"127.0.0.1:8899\""),
        "xcron.toml:2: peer.peer_hosts: expected a list of \"host:port\" such as \
         [\"10.0.0.1:8899\"], found \"127.0.0.1:8899\"",
    ),
    (
        file("[peer]\npeer_hosts = [8899]"),
        "xcron.toml:2: peer.peer_hosts: expected \"host:port\" such as \"10.0.0.1:8899\", \
         found 8899",
    ),
    (
        env(&[("XCRON_PEER__PEER_HOSTS", "127.0.0.1:8899,")]),
        "XCRON_PEER__PEER_HOSTS: peer.peer_hosts: expected \"host:port\" such as \
         \"10.0.0.1:8899\", found \"\"",
    ),
    (
        args(&["--set", "peer.join=10.0.0.1"]),
        "--set: peer.join: expected \"host:port\" such as \"10.0.0.1:8899\", found \"10.0.0.1\"",
    ),
    (
        file("[peer]\njoin = [\"a:0\"]"),
        "xcron.toml:2: peer.join: expected a port from 1 to 65535 after the colon, found \"a:0\"",
    ),
    (
        file("[peer]\njoin = [\"::1:8899\"]"),
        "xcron.toml:2: peer.join: expected brackets around an IPv6 address, as in \
         \"[::1]:8899\", found \"::1:8899\"",
    ),
    (
        file("[peer]\njoin = [\"[::0:1]:8899\", \"[::1]:8899\"]"),
        "xcron.toml:2: peer.join: expected each address once, found \"[::1]:8899\" again",
    ),
    (
        file("[peer]\njoin = [\"Node-1:1\", \"node-1:1\"]"),
        "xcron.toml:2: peer.join: expected each address once, found \"node-1:1\" again",
    ),
    (
        args(&[
            "--set=peer.join=a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9,b:1,b:2,b:3,b:4,b:5,b:6,b:7,b:8",
        ]),
        "--set: peer.join: expected at most 16 addresses, found 17",
    ),
    (
        file("[peer]\nadvertise = \"0.0.0.0:8899\""),
        "xcron.toml:2: peer.advertise: expected an address that other nodes can dial, \
         found \"0.0.0.0:8899\"",
    ),
    (
        file("[peer]\nadvertise = [\"10.0.0.1:8899\"]"),
        "xcron.toml:2: peer.advertise: expected \"host:port\" such as \"10.0.0.1:8899\", \
         found a list",
    ),
    (
        file("[peer]\ntls_cert = 5"),
        "xcron.toml:2: peer.tls_cert: expected the path of a file, found 5",
    ),
    // What may be a secret in the wrong place is not shown.
    (
        file("[peer]\nsecret_env = \"correct horse\""),
        "xcron.toml:2: peer.secret_env: expected the name of an environment variable, not its \
         value",
    ),
    (
        file("[peer]\nsecret_env = 5"),
        "xcron.toml:2: peer.secret_env: expected the name of an environment variable, not its \
         value",
    ),
    (
        file("[peer]\nsecret_env = \"correct_horse_battery\""),
        "xcron.toml:2: peer.secret_env: the variable that it names is not set, set it to the \
         secret of the cluster, at least 16 bytes",
    ),
    (
        env(&[("XCRON_PEER__SECRET_ENV", "SECRET"), ("SECRET", "")]),
        "XCRON_PEER__SECRET_ENV: peer.secret_env: the variable that it names is empty, set it \
         to the secret of the cluster, at least 16 bytes",
    ),
    (
        env(&[("XCRON_PEER__SECRET_ENV", "SECRET"), ("SECRET", "fifteen bytes..")]),
        "XCRON_PEER__SECRET_ENV: peer.secret_env: the variable that it names has 15 bytes, set \
         it to the secret of the cluster, at least 16 bytes",
    ),
    (
        file("[raft]\nheartbeat_ms = 9"),
        "xcron.toml:2: raft.heartbeat_ms: expected an integer from 10 to 10000, found 9",
    ),
    (
        file("[raft]\nelection_timeout_ms = 60001"),
        "xcron.toml:2: raft.election_timeout_ms: expected an integer from 30 to 60000, \
         found 60001",
    ),
];

const TOGETHER_REFUSED: &[(Written, &str)] = &[
    (
        file("[peer]\npeer_hosts = [\"127.0.0.1:8899\"]\njoin = [\"127.0.0.1:8898\"]"),
        "xcron.toml:3: peer.join: excludes peer.peer_hosts, set peer_hosts on founding nodes \
         and join on later ones",
    ),
    (
        file("peer_port = 0\n[peer]\npeer_hosts = [\"127.0.0.1:8898\"]"),
        "xcron.toml:1: peer_port: 0 takes any free port, which peer.peer_hosts cannot name, \
         choose a port or set peer.advertise",
    ),
    (
        env(&[OPEN, ("XCRON_HOST", "0.0.0.0"), ("XCRON_PEER__PEER_HOSTS", "10.0.0.1:8899")]),
        "peer.advertise: is empty and nobody can dial host, which is 0.0.0.0, set it to \
         \"host:port\" as the other nodes reach this one",
    ),
    (
        env(&[
            OPEN,
            SECRET,
            ("XCRON_HOST", "::"),
            ("XCRON_PEER__JOIN", "a:1"),
            ("XCRON_PEER__SECRET_ENV", "SECRET"),
        ]),
        "peer.advertise: is empty and nobody can dial host, which is ::, set it to \
         \"host:port\" as the other nodes reach this one",
    ),
    (
        env(&[
            OPEN,
            ("XCRON_HOST", "10.0.0.1"),
            ("XCRON_PEER__PEER_HOSTS", "10.0.0.1:8899,10.0.0.2:8899"),
        ]),
        "peer.secret_env: is empty and host, which is 10.0.0.1, can be reached from other \
         machines, name an environment variable that holds the secret of the cluster",
    ),
    (
        env(&[OPEN, ("XCRON_HOST", "10.0.0.1"), ("XCRON_PEER__JOIN", "10.0.0.2:8899")]),
        "peer.secret_env: is empty and host, which is 10.0.0.1, can be reached from other \
         machines, name an environment variable that holds the secret of the cluster",
    ),
    (
        file("[peer]\ntls_cert = \"a.pem\"\ntls_ca = \"ca.pem\""),
        "peer.tls_key: is empty but peer.tls_cert is not, set all three files or none",
    ),
    (
        file("[peer]\ntls_ca = \"ca.pem\""),
        "peer.tls_cert: is empty but peer.tls_ca is not, set all three files or none\n\
         peer.tls_key: is empty but peer.tls_ca is not, set all three files or none",
    ),
    (
        file("[raft]\nheartbeat_ms = 100\nelection_timeout_ms = 299"),
        "xcron.toml:3: raft.election_timeout_ms: 299 is less than three times \
         raft.heartbeat_ms, which is 100, expected at least 300",
    ),
];

const ACCEPTED: &[(Written, &str)] = &[
    (env(&[("XCRON_PEER__PEER_HOSTS", "")]), "peer_hosts = []"),
    (env(&[("XCRON_PEER__PEER_HOSTS", "[]")]), "peer_hosts = []"),
    // On loopback no secret is needed.
    (
        env(&[("XCRON_PEER__PEER_HOSTS", "127.0.0.1:8899, localhost:8898")]),
        "peer_hosts = [\"127.0.0.1:8899\", \"localhost:8898\"]",
    ),
    (
        args(&["--set", "peer.join=[\"127.0.0.1:1\", \"[::1]:1\"]"]),
        "join = [\"127.0.0.1:1\", \"[::1]:1\"]",
    ),
    (args(&["--set=peer_port=0", "--set=peer.join=127.0.0.1:1"]), "peer_port = 0"),
    (
        args(&["--set=peer.join=a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9,b:1,b:2,b:3,b:4,b:5,b:6,b:7"]),
        "advertise = \"\"",
    ),
    // This node alone is a cluster of one and needs no secret anywhere.
    (
        env(&[OPEN, ("XCRON_HOST", "10.0.0.1"), ("XCRON_PEER__PEER_HOSTS", "10.0.0.1:8899")]),
        "peer_hosts = [\"10.0.0.1:8899\"]",
    ),
    (env(&[OPEN, ("XCRON_HOST", "0.0.0.0")]), "secret_env = \"\""),
    // What is advertised counts, in whatever spelling.
    (
        env(&[
            OPEN,
            SECRET,
            ("XCRON_HOST", "0.0.0.0"),
            ("XCRON_PEER_PORT", "0"),
            ("XCRON_PEER__ADVERTISE", "Node-1:8899"),
            ("XCRON_PEER__PEER_HOSTS", "node-1:8899,node-2:8899"),
            ("XCRON_PEER__SECRET_ENV", "SECRET"),
        ]),
        "secret_env = \"SECRET\"",
    ),
    (
        file("host = \"::1\"\n[peer]\npeer_hosts = [\"[0::1]:8899\", \"[::1]:8898\"]"),
        "peer_hosts = [\"[0::1]:8899\", \"[::1]:8898\"]",
    ),
    (
        file("[peer]\ntls_cert = \"a.pem\"\ntls_key = \"b.pem\"\ntls_ca = \"c.pem\""),
        "tls_key = \"b.pem\"",
    ),
    (file("[raft]\nheartbeat_ms = 100\nelection_timeout_ms = 300"), "election_timeout_ms = 300"),
];

#[test]
fn a_key_about_peers_says_what_it_expects() {
    assert_refused(ALONE_REFUSED);
}

#[test]
fn keys_about_peers_that_exclude_or_need_each_other_say_so() {
    assert_refused(TOGETHER_REFUSED);
}

#[test]
fn peers_are_accepted_in_every_spelling() {
    assert_accepted(ACCEPTED);
}

#[test]
fn the_secret_itself_is_never_printed() {
    let output = check(env(&[SECRET, ("XCRON_PEER__SECRET_ENV", "SECRET")]));
    assert!(text(&output.stdout).contains("secret_env = \"SECRET\""));
    assert!(!text(&output.stdout).contains(SECRET.1));
}
