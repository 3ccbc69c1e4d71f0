//! A C-STORE receiver (PS3.4 annex B): associations are accepted from the allow list, one task each.

use crate::ae::{AeTitle, Peers};
use crate::association::{Room, serve, turn_away};
use crate::folder::Incoming;
use crate::report::{Report, Tally};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// When a receiver ends of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Never.
    Stopped,
    /// After the first association has ended; who is rejected had none.
    First,
    /// When no association was open for this long.
    Idle(Duration),
}

/// How a receiver behaves.
#[derive(Debug, Clone)]
pub struct ReceiveOptions {
    /// Our own AE title: a peer that calls another one is rejected.
    pub title: AeTitle,
    /// Who may send.
    pub peers: Peers,
    /// Associations at once; one more is rejected as a transient failure.
    pub associations: usize,
    /// The longest silence of a peer, within an association and before one.
    pub silence: Duration,
    /// When it ends.
    pub until: Until,
}

/// Connections beyond the associations that are allowed, which are told so; any further one is closed without a word.
const TURNED_AWAY_AT_ONCE: usize = 16;
/// After a failure to accept, such as no more descriptors: no busy loop.
const BREATH: Duration = Duration::from_millis(100);

/// Receives until the options or `stop` end it. Objects that are half received then are gone, and their senders have had no
/// success for them. A peer's failure is that peer's alone.
pub async fn receive(
    listener: TcpListener,
    options: ReceiveOptions,
    incoming: Arc<Incoming>,
    stop: impl Future<Output = ()>,
) -> Report {
    let (stopping, stopped) = watch::channel(false);
    let until = options.until;
    let room = Arc::new(Room { options, incoming, tally: Tally::default(), stopped });
    let mut door = Door::new(listener, room);
    tokio::select! {
        () = stop => {}
        () = door.open(until) => {}
    }
    // Tasks abort their associations themselves, so that each peer is told.
    let _ = stopping.send(true);
    while door.tasks.join_next().await.is_some() {}
    door.room.tally.report()
}

struct Door {
    listener: TcpListener,
    room: Arc<Room>,
    /// Each tells whether it was an association.
    tasks: JoinSet<bool>,
    seats: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Door {
    fn new(listener: TcpListener, room: Arc<Room>) -> Self {
        let seats = Arc::new(Semaphore::new(room.options.associations));
        let waiting = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
        Self { listener, room, tasks: JoinSet::new(), seats, waiting }
    }

    async fn open(&mut self, until: Until) {
        let mut quiet_since = Instant::now();
        loop {
            let idle_end = match until {
                Until::Idle(time) if self.tasks.is_empty() => Some(quiet_since + time),
                _ => None,
            };
            tokio::select! {
                accepted = self.listener.accept() => self.accept(accepted).await,
                Some(ended) = self.tasks.join_next() => {
                    quiet_since = Instant::now();
                    if until == Until::First && ended.is_ok_and(|was_association| was_association) {
                        return;
                    }
                }
                () = end_of(idle_end) => return,
            }
        }
    }

    async fn accept(&mut self, accepted: io::Result<(TcpStream, std::net::SocketAddr)>) {
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(BREATH).await;
            return;
        };
        let room = Arc::clone(&self.room);
        if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
            self.tasks.spawn(async move {
                let was_association = serve(&room, stream, from.ip()).await;
                drop(seat);
                was_association
            });
        } else if let Ok(place) = Arc::clone(&self.waiting).try_acquire_owned() {
            self.tasks.spawn(async move {
                turn_away(stream).await;
                drop(place);
                false
            });
        }
    }
}

/// Waits until then; for ever where there is no such moment.
async fn end_of(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
