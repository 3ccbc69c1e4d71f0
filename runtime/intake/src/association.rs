//! One association: negotiated by dicom-ul, its messages answered one by one.

use crate::arrival::{Arrival, Expected, Form};
use crate::dimse::{Asked, MAX_COMMAND, Request};
use crate::folder::Incoming;
use crate::head::Identity;
use crate::part10::meta_group;
use crate::receive::ReceiveOptions;
use crate::refusal::Refusal;
use crate::report::{Kept, Tally};
use crate::syntax::{self, VERIFICATION};
use dicom_ul::Pdu;
use dicom_ul::association::server::{
    AccessControl, AsyncServerAssociation, DefaultNegotiation, ServerAssociationOptions,
};
use dicom_ul::pdu::{
    AssociationRJ, AssociationRJResult, AssociationRJServiceProviderPresentationReason,
    AssociationRJServiceUserReason, AssociationRJSource, PDataValue, PDataValueType,
    PresentationContextResultReason, UserIdentity, write_pdu,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// The largest PDU that a peer may send, in bytes: what an association holds in memory. A larger one ends the association
/// when its length has been read.
const MAX_PDU: u32 = 64 << 10;
/// The longest that one message may take.
const MESSAGE: Duration = Duration::from_secs(3600);
/// Time to tell a peer something before its connection is closed.
const FAREWELL: Duration = Duration::from_secs(5);
/// PS3.7 annex C: an operation that is not performed here.
const UNRECOGNISED: u16 = 0x0211;

/// What all associations share.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) options: ReceiveOptions,
    pub(crate) incoming: Arc<Incoming>,
    pub(crate) tally: Tally,
    /// Becomes true when the receiver is to end.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// Who is let in (PS3.8 table 9-21).
struct Guard<'a> {
    options: &'a ReceiveOptions,
    from: IpAddr,
}

impl AccessControl for Guard<'_> {
    fn check_access(
        &self,
        this: &str,
        calling: &str,
        called: &str,
        _: Option<&UserIdentity>,
    ) -> Result<(), AssociationRJServiceUserReason> {
        if !self.options.peers.allow(calling, self.from) {
            return Err(AssociationRJServiceUserReason::CallingAETitleNotRecognized);
        }
        if called != this {
            return Err(AssociationRJServiceUserReason::CalledAETitleNotRecognized);
        }
        Ok(())
    }
}

/// Serves one connection to its end; `true` where it was an association.
pub(crate) async fn serve(room: &Room, stream: TcpStream, from: IpAddr) -> bool {
    let guard = Guard { options: &room.options, from };
    let options = negotiation(room).ae_access_control(guard);
    let mut stopped = room.stopped.clone();
    let established = tokio::select! {
        established = options.establish_async(stream) => established,
        _ = stopped.wait_for(|stopped| *stopped) => return false,
    };
    // What is not an association, or not an allowed one, has been answered by now.
    let Ok(association) = established else { return false };
    let mut talk = Talk { room, association, state: State::Idle, brought: 0 };
    let ending = tokio::select! {
        ending = talk.run() => ending,
        _ = stopped.wait_for(|stopped| *stopped) => Ending::Abort,
    };
    let farewell = async {
        match ending {
            Ending::Released => talk.association.send(&Pdu::ReleaseRP).await,
            Ending::Abort => talk.association.abort().await,
            Ending::Closed => Ok(()),
        }
    };
    // A peer that is gone need not hear it.
    let _ = timeout(FAREWELL, farewell).await;
    true
}

fn negotiation(
    room: &Room,
) -> ServerAssociationOptions<'_, dicom_ul::association::server::AcceptAny, DefaultNegotiation> {
    let mut options = ServerAssociationOptions::new()
        .ae_title(room.options.title.as_str())
        .max_pdu_length(MAX_PDU)
        .strict(true)
        .read_timeout(room.options.silence)
        .write_timeout(room.options.silence)
        .with_abstract_syntax(VERIFICATION);
    for class in syntax::storage_classes() {
        options = options.with_abstract_syntax(class);
    }
    for transfer_syntax in syntax::transfer_syntaxes() {
        options = options.with_transfer_syntax(transfer_syntax);
    }
    options
}

/// Rejects a connection beyond those that are served: transient, local limit exceeded (PS3.8 table 9-21).
pub(crate) async fn turn_away(mut stream: TcpStream) {
    let rejection = Pdu::AssociationRJ(AssociationRJ {
        result: AssociationRJResult::Transient,
        source: AssociationRJSource::ServiceProviderPresentation(
            AssociationRJServiceProviderPresentationReason::LocalLimitExceeded,
        ),
    });
    let mut bytes = Vec::new();
    if write_pdu(&mut bytes, &rejection).is_err() {
        return;
    }
    let tell = async {
        // The request is read first: a connection closed with bytes unread would take the rejection with it.
        let mut request = vec![0; MAX_PDU as usize];
        if stream.read(&mut request).await? == 0 {
            return Ok(0);
        }
        stream.write_all(&bytes).await?;
        stream.shutdown().await?;
        stream.read(&mut request).await
    };
    let _ = timeout(FAREWELL, tell).await;
}

/// How an association ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The peer asked to release it.
    Released,
    /// The peer broke the protocol, was silent, or we stop.
    Abort,
    /// The peer went.
    Closed,
}

/// Where in a message the association is.
#[derive(Debug)]
enum State {
    Idle,
    Command { context: u8, bytes: Vec<u8> },
    Data(Storing),
}

/// A data set that is coming in; one that is refused is read to its end all the same, and dropped.
#[derive(Debug)]
struct Storing {
    context: u8,
    request: Request,
    arrival: Result<Box<Arrival>, Refusal>,
    bytes: u64,
}

struct Talk<'a> {
    room: &'a Room,
    association: AsyncServerAssociation<TcpStream>,
    state: State,
    /// Bytes of data sets so far.
    brought: u64,
}

impl Talk<'_> {
    async fn run(&mut self) -> Ending {
        loop {
            if let Err(ending) = timeout(MESSAGE, self.message()).await.unwrap_or(Err(Ending::Abort)) {
                return ending;
            }
        }
    }

    /// Reads PDUs until one message has been answered.
    async fn message(&mut self) -> Result<(), Ending> {
        loop {
            let values = match self.association.receive().await {
                Ok(Pdu::PData { data }) => data,
                Ok(Pdu::ReleaseRQ) => return Err(Ending::Released),
                Ok(Pdu::AbortRQ { .. }) | Err(dicom_ul::association::Error::ConnectionClosed { .. }) => {
                    return Err(Ending::Closed);
                }
                Ok(_) | Err(_) => return Err(Ending::Abort),
            };
            for value in values {
                self.fragment(value).await?;
            }
            if matches!(self.state, State::Idle) {
                return Ok(());
            }
        }
    }

    /// Takes one fragment of a command or data set (PS3.8 annex E).
    async fn fragment(&mut self, value: PDataValue) -> Result<(), Ending> {
        let context = value.presentation_context_id;
        match (&mut self.state, value.value_type) {
            (State::Idle, PDataValueType::Command) => {
                self.state = State::Command { context, bytes: value.data };
            }
            (State::Command { context: begun, bytes }, PDataValueType::Command) if *begun == context => {
                bytes.extend(value.data);
            }
            (State::Data(storing), PDataValueType::Data) if storing.context == context => {
                let (length, limit) = (value.data.len() as u64, self.room.incoming.quotas());
                self.brought = self.brought.saturating_add(length);
                storing.write(&value.data, self.brought > limit.association_bytes);
                // A refused data set is read to its end, so that its sender hears why; but not for ever.
                if storing.bytes > limit.object_bytes.saturating_mul(2) {
                    self.room.tally.count(Err(Refusal::TooLarge));
                    return Err(Ending::Abort);
                }
            }
            _ => return Err(Ending::Abort),
        }
        if matches!(&self.state, State::Command { bytes, .. } if bytes.len() > MAX_COMMAND) {
            return Err(Ending::Abort);
        }
        if value.is_last { self.whole().await } else { Ok(()) }
    }

    /// Acts on a whole command or a whole data set.
    async fn whole(&mut self) -> Result<(), Ending> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Err(Ending::Abort),
            State::Command { context, bytes } => {
                let request = Request::read(&bytes).ok_or(Ending::Abort)?;
                self.command(context, request).await
            }
            State::Data(storing) => {
                let (context, request) = (storing.context, storing.request.clone());
                let outcome = storing.keep().await;
                self.room.tally.count(outcome);
                let answer = match outcome {
                    Ok(_) => request.done(),
                    Err(refusal) => request.response(refusal.status(), refusal.text()),
                };
                self.answer(context, answer).await
            }
        }
    }

    async fn command(&mut self, context: u8, request: Request) -> Result<(), Ending> {
        let (class, transfer_syntax) = self.accepted(context).ok_or(Ending::Abort)?;
        match request.asked {
            Asked::Store if request.has_data_set => {
                let storing = self.begin(context, request, &class, &transfer_syntax).ok_or(Ending::Abort)?;
                self.state = State::Data(storing);
                Ok(())
            }
            Asked::Echo if !request.has_data_set => self.answer(context, request.done()).await,
            Asked::Other(_) if !request.has_data_set => {
                self.answer(context, request.response(UNRECOGNISED, "")).await
            }
            // A query's data set is not read: this is no query service.
            _ => Err(Ending::Abort),
        }
    }

    /// Abstract and transfer syntax of a context that was accepted.
    fn accepted(&self, context: u8) -> Option<(String, String)> {
        let all = self.association.presentation_contexts();
        let found = all.iter().find(|c| c.id == context)?;
        (found.reason == PresentationContextResultReason::Acceptance)
            .then(|| (found.abstract_syntax.clone(), trimmed(&found.transfer_syntax)))
    }

    fn begin(&self, context: u8, request: Request, class: &str, transfer_syntax: &str) -> Option<Storing> {
        let (sop_class, sop_instance) = (request.sop_class.clone()?, request.sop_instance.clone()?);
        let what = Identity { sop_class, sop_instance };
        let arrival = if what.sop_class.as_str() == class && syntax::is_storage(class) {
            self.arrive(&what, transfer_syntax).map(Box::new)
        } else {
            Err(Refusal::SopClass)
        };
        Some(Storing { context, request, arrival, bytes: 0 })
    }

    fn arrive(&self, what: &Identity, transfer_syntax: &str) -> Result<Arrival, Refusal> {
        let encoding = syntax::encoding(transfer_syntax).ok_or(Refusal::TransferSyntax)?;
        let group = meta_group(what, transfer_syntax);
        let form = Form::DataSet { encoding, meta: group.len() };
        let (name, expected) = (what.sop_instance.digest().hex(), Expected::Object(what.clone()));
        let mut arrival = Arrival::begin(&self.room.incoming, name, form, expected)?;
        arrival.write(&group)?;
        Ok(arrival)
    }

    async fn answer(&mut self, context: u8, command: Vec<u8>) -> Result<(), Ending> {
        let value = PDataValue {
            presentation_context_id: context,
            value_type: PDataValueType::Command,
            is_last: true,
            data: command,
        };
        self.association.send(&Pdu::PData { data: vec![value] }).await.map_err(|_| Ending::Abort)
    }
}

impl Storing {
    fn write(&mut self, bytes: &[u8], is_over_quota: bool) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let written = match &mut self.arrival {
            Ok(_) if is_over_quota => Err(Refusal::AssociationQuota),
            Ok(arrival) => arrival.write(bytes),
            Err(_) => return,
        };
        if let Err(refusal) = written {
            self.arrival = Err(refusal);
        }
    }

    async fn keep(self) -> Result<Kept, Refusal> {
        self.arrival?.keep().await
    }
}

fn trimmed(uid: &str) -> String {
    uid.trim_end_matches(['\0', ' ']).to_owned()
}
