//! The links of a network of its own: cut and mended, one way and both.

use crate::net::Net;
use crate::tools::did_not_run;

#[test]
fn links_between_peers_are_cut_and_mended_one_way_and_both() {
    let net = match Net::lay(2) {
        Ok(net) => net,
        Err(why) => return did_not_run("links that are cut", &why),
    };
    let listens = std::net::TcpListener::bind((net.outside(), 0)).expect("an address outside");
    let port = listens.local_addr().expect("an address").port();
    assert!(net.are_linked(0, 1) && net.are_linked(1, 0), "they reach each other");
    net.isolate(0);
    assert!(!net.are_linked(0, 1) && !net.are_linked(1, 0), "one is isolated");
    assert!(net.reaches(0, net.outside(), port), "clients are still there");
    net.heal();
    assert!(net.are_linked(0, 1) && net.are_linked(1, 0), "it is mended");
    // What is lost one way has no answer, whoever asks.
    net.lose(0, 1);
    assert!(
        !net.are_linked(0, 1) && !net.are_linked(1, 0),
        "one does not get through to the other"
    );
    net.heal();
    assert!(net.are_linked(0, 1) && net.are_linked(1, 0), "it is mended again");
}
