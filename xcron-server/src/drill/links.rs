//! The links between the nodes, one for each direction of each pair, and what is wrong with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// How many nodes a drill has.
pub(super) const NODES: usize = 3;

/// What a link does with bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Link {
    /// Passes them on.
    #[default]
    Open,
    /// Keeps them until it is open again; nobody is told.
    Silent,
    /// Ends every connection.
    Cut,
}

/// The state of every link: the first index sends, the second receives.
pub(super) type Matrix = [[Link; NODES]; NODES];

/// The links of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Links {
    state: watch::Sender<Matrix>,
    /// How often a connection was held up or ended.
    touched: Arc<AtomicU64>,
}

/// The links as they change, for whoever passes bytes on.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    state: watch::Receiver<Matrix>,
    touched: Arc<AtomicU64>,
}

impl Links {
    /// All of them open.
    pub(super) fn new() -> Self {
        Self { state: watch::Sender::new(Matrix::default()), touched: Arc::default() }
    }

    pub(super) fn set(&self, matrix: Matrix) {
        self.state.send_replace(matrix);
    }

    /// How often a link that was not open has held up or ended a connection.
    pub(super) fn touched(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    pub(super) fn gate(&self) -> Gate {
        Gate { state: self.state.subscribe(), touched: Arc::clone(&self.touched) }
    }
}

impl Gate {
    /// Waits until the link is open; false when it is cut instead.
    pub(super) async fn opens(&mut self, from: usize, to: usize) -> bool {
        if self.state.borrow_and_update()[from][to] == Link::Open {
            return true;
        }
        self.touched.fetch_add(1, Ordering::Relaxed);
        let decided = self.state.wait_for(|matrix| matrix[from][to] != Link::Silent).await;
        decided.is_ok_and(|matrix| matrix[from][to] == Link::Open)
    }

    /// Whether the link is open now.
    pub(super) fn is_open(&self, from: usize, to: usize) -> bool {
        self.state.borrow()[from][to] == Link::Open
    }

    /// Returns when a link has changed since [`opens`](Self::opens) looked.
    pub(super) async fn changed(&mut self) {
        if self.state.changed().await.is_err() {
            // Nobody can change it any more.
            std::future::pending().await
        }
    }
}

/// `node` can neither reach the others nor be reached.
pub(super) fn isolated(node: usize, link: Link) -> Matrix {
    let mut matrix = deaf(node, link);
    for to in (0..NODES).filter(|to| *to != node) {
        matrix[node][to] = link;
    }
    matrix
}

/// `node` reaches the others but hears nothing from them.
pub(super) fn deaf(node: usize, link: Link) -> Matrix {
    let mut matrix = Matrix::default();
    for from in (0..NODES).filter(|from| *from != node) {
        matrix[from][node] = link;
    }
    matrix
}

/// `node` hears the others but is not heard.
pub(super) fn mute(node: usize, link: Link) -> Matrix {
    let mut matrix = Matrix::default();
    for to in (0..NODES).filter(|to| *to != node) {
        matrix[node][to] = link;
    }
    matrix
}

/// No node reaches another.
pub(super) fn apart(link: Link) -> Matrix {
    let mut matrix = [[link; NODES]; NODES];
    for (node, row) in matrix.iter_mut().enumerate() {
        row[node] = Link::Open;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::{Link, Matrix, apart, deaf, isolated, mute};

    #[test]
    fn each_partition_touches_its_links_only() {
        let drawn = |matrix: Matrix| {
            matrix.map(|row| row.map(|link| if link == Link::Open { '-' } else { 'x' }))
        };
        let rows = |rows: [&str; 3]| {
            rows.map(|row| {
                let mut letters = row.chars();
                [(); 3].map(|()| letters.next().expect("three letters"))
            })
        };
        assert_eq!(drawn(isolated(0, Link::Cut)), rows(["-xx", "x--", "x--"]));
        assert_eq!(drawn(deaf(1, Link::Silent)), rows(["-x-", "---", "-x-"]));
        assert_eq!(drawn(mute(2, Link::Silent)), rows(["---", "---", "xx-"]));
        assert_eq!(drawn(apart(Link::Cut)), rows(["-xx", "x-x", "xx-"]));
    }
}
