//! A peer that speaks PDUs by hand, well or badly.

use crate::peers::{CT, EXPLICIT};
use dicom_ul::Pdu;
use dicom_ul::pdu::{
    AssociationRQ, PDataValue, PDataValueType, PresentationContextProposed, UserVariableItem, read_pdu,
    write_pdu,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn encoded(pdu: &Pdu) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, pdu).unwrap();
    bytes
}

/// An association request for one SOP class.
pub(crate) fn request(class: &str) -> Vec<u8> {
    encoded(&Pdu::AssociationRQ(AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "SCANNER".to_owned(),
        called_ae_title: "TROCAR".to_owned(),
        application_context_name: "1.2.840.10008.3.1.1.1".to_owned(),
        presentation_contexts: vec![PresentationContextProposed {
            id: 1,
            abstract_syntax: class.to_owned(),
            transfer_syntaxes: vec![EXPLICIT.to_owned()],
        }],
        user_variables: vec![UserVariableItem::MaxLength(16384)],
    }))
}

/// A C-STORE request.
pub(crate) fn command(class: &str, instance: &str) -> Vec<u8> {
    let mut command = Vec::new();
    let mut put = |element: u16, value: &[u8]| {
        command.extend([0, 0]);
        command.extend(element.to_le_bytes());
        command.extend(u32::try_from(value.len().next_multiple_of(2)).unwrap().to_le_bytes());
        command.extend(value);
        command.resize(command.len().next_multiple_of(2), 0);
    };
    put(0x0002, class.as_bytes());
    put(0x0100, &[1, 0]);
    put(0x0110, &[9, 0]);
    put(0x0700, &[0, 0]);
    put(0x0800, &[1, 0]);
    put(0x1000, instance.as_bytes());
    command
}

/// One association.
pub(crate) struct Peer(TcpStream);

impl Peer {
    pub(crate) fn associate(port: u16, class: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&request(class)).unwrap();
        let peer = Self(stream);
        assert!(matches!(peer.receive(), Some(Pdu::AssociationAC(_))), "the association was not accepted");
        peer
    }

    fn receive(&self) -> Option<Pdu> {
        let mut head = [0; 6];
        (&self.0).read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
        assert!(length < 1 << 20);
        let mut body = vec![0; length as usize];
        (&self.0).read_exact(&mut body).ok()?;
        read_pdu(&[&head[..], &body].concat()[..], 1 << 20, true).unwrap()
    }

    /// The type of the next PDU; `None` where the connection ends.
    pub(crate) fn next_pdu_type(&self) -> Option<u8> {
        let mut head = [0; 1];
        (&self.0).read_exact(&mut head).ok().map(|()| head[0])
    }

    pub(crate) fn send(&mut self, is_command: bool, is_last: bool, data: Vec<u8>) {
        let value_type = if is_command { PDataValueType::Command } else { PDataValueType::Data };
        let value = PDataValue { presentation_context_id: 1, value_type, is_last, data };
        self.0.write_all(&encoded(&Pdu::PData { data: vec![value] })).unwrap();
    }

    /// Sends an object in two fragments and gives the status of the answer.
    pub(crate) fn store(&mut self, class: &str, instance: &str, set: &[u8]) -> u16 {
        self.send(true, true, command(class, instance));
        let (first, rest) = set.split_at(set.len() / 2);
        self.send(false, false, first.to_vec());
        self.send(false, true, rest.to_vec());
        let Some(Pdu::PData { data }) = self.receive() else { panic!("no answer") };
        let answer = &data[0].data;
        let at = answer.windows(8).position(|w| w == b"\0\0\0\x09\x02\0\0\0").expect("no status");
        u16::from_le_bytes([answer[at + 8], answer[at + 9]])
    }
}

/// Peers that send what no peer should, one after another. The numbers come from a fixed seed.
pub(crate) fn hostile(port: u16) {
    let ask = request(CT);
    for bytes in bombs() {
        send(port, &bytes);
        send(port, &[&ask[..], &bytes].concat());
    }
    for length in (0..ask.len()).step_by(7) {
        send(port, &ask[..length]);
    }
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..300 {
        let mut bytes = ask.clone();
        for _ in 0..=round % 8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] = (state >> 24) as u8;
        }
        send(port, &bytes);
    }
}

fn bombs() -> Vec<Vec<u8>> {
    let pdu = |kind: u8, length: u32, body: &[u8]| [&[kind, 0][..], &length.to_be_bytes(), body].concat();
    let pdv =
        |length: u32, body: &[u8]| pdu(4, 4 + body.len() as u32, &[&length.to_be_bytes()[..], body].concat());
    let mut all = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xFF; 100_000],
        vec![0; 100_000],
        // Other protocols' first words, unknown PDUs, PDUs out of place.
        b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03".to_vec(),
        pdu(9, 4, b"abcd"),
        pdu(5, 4, b"\0\0\0\0"),
        pdu(5, 0, b""),
        pdu(7, 1, b"\0"),
        pdu(1, 10, b"0123456789"),
        // Data values that claim more or less than there is, on contexts that were never accepted.
        pdv(u32::MAX, b"\x01\x03abcd"),
        pdv(0, b"\x01\x03"),
        pdv(1, b"\x01\x03"),
        pdv(6, b"\x63\x03abcd"),
        pdv(6, b"\x01\x02abcd"),
        // A command without an end.
        pdv(60_002, &[&b"\x01\x01"[..], &[0; 60_000]].concat()).repeat(40),
        // A command set whose element claims 4 GB.
        pdv(14, b"\x01\x03\0\0\x02\0\xFF\xFF\xFF\xFF\0\0\0\0"),
    ];
    for kind in 0..=8 {
        for length in [u32::MAX, 0x7FFF_FFFF, 70_000] {
            all.push(pdu(kind, length, &[0; 50_000]));
        }
    }
    all
}

/// Sends and goes; it may be shown the door before that.
fn send(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    if stream.write_all(bytes).is_ok() && stream.shutdown(std::net::Shutdown::Write).is_ok() {
        let mut answer = [0; 4096];
        while stream.read(&mut answer).is_ok_and(|count| count > 0) {}
    }
}
