use crate::error::IntakeError;
use std::net::{IpAddr, ToSocketAddrs};
use std::str::FromStr;

/// An application entity title (PS3.5 section 6.2, VR AE): 1 to 16 printable ASCII characters, no backslash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AeTitle(String);

impl AeTitle {
    /// The text without its padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AeTitle {
    type Err = IntakeError;
    fn from_str(text: &str) -> Result<Self, IntakeError> {
        let title = text.trim_matches(' ');
        let plain = title.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'\\');
        if (1..=16).contains(&title.len()) && plain {
            Ok(Self(title.to_owned()))
        } else {
            Err(IntakeError::AeTitle)
        }
    }
}

/// One row of the allow list, written `AE_TITLE` or `AE_TITLE@HOST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    title: AeTitle,
    /// The addresses that its host has; `None` where it may come from anywhere.
    addresses: Option<Vec<IpAddr>>,
}

impl FromStr for Peer {
    type Err = IntakeError;
    fn from_str(text: &str) -> Result<Self, IntakeError> {
        // A title may hold an `@`, a host may not.
        let (title, host) = text.rsplit_once('@').map_or((text, None), |(title, host)| (title, Some(host)));
        Ok(Self { title: title.parse()?, addresses: host.map(addresses).transpose()? })
    }
}

/// Resolved once, when the receiver starts: a name that changes its address later lets nobody new in.
fn addresses(host: &str) -> Result<Vec<IpAddr>, IntakeError> {
    let found = (host, 0).to_socket_addrs().map_err(|_| IntakeError::Host)?;
    let found: Vec<IpAddr> = found.map(|address| address.ip().to_canonical()).collect();
    if found.is_empty() { Err(IntakeError::Host) } else { Ok(found) }
}

/// Who may send. Never empty.
#[derive(Debug, Clone)]
pub struct Peers(Vec<Peer>);

impl Peers {
    /// Takes an allow list.
    ///
    /// # Errors
    /// It is empty: nobody is allowed unless named.
    pub fn new(peers: Vec<Peer>) -> Result<Self, IntakeError> {
        if peers.is_empty() { Err(IntakeError::NobodyAllowed) } else { Ok(Self(peers)) }
    }

    /// Whether this calling AE title may send from this address.
    pub(crate) fn allow(&self, calling: &str, from: IpAddr) -> bool {
        let from = from.to_canonical();
        let here = |peer: &Peer| peer.addresses.as_ref().is_none_or(|all| all.contains(&from));
        self.0.iter().any(|peer| peer.title.0 == calling.trim_matches(' ') && here(peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_allowed_by_title_and_address() {
        let peers = Peers::new(vec!["SCANNER".parse().unwrap(), "PACS@127.0.0.1".parse().unwrap()]).unwrap();
        let (here, there) = ("127.0.0.1".parse().unwrap(), "10.0.0.9".parse().unwrap());
        assert!(peers.allow("SCANNER ", there) && peers.allow("PACS", here));
        assert!(
            peers.allow("PACS", "::ffff:127.0.0.1".parse().unwrap()),
            "a mapped address is the same host"
        );
        assert!(!peers.allow("PACS", there), "the right title from another host");
        assert!(!peers.allow("scanner", here) && !peers.allow("", here), "titles are compared as they are");
    }

    #[test]
    fn what_is_no_title_is_refused() {
        for bad in ["", "   ", "A\\B", "SEVENTEEN_LETTERS", "T\u{e9}", "A\0"] {
            assert!(bad.parse::<AeTitle>().is_err(), "{bad:?}");
        }
        assert!(matches!("A@".parse::<Peer>(), Err(IntakeError::Host)));
        assert!(matches!(Peers::new(vec![]), Err(IntakeError::NobodyAllowed)));
    }
}
