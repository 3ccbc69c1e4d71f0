use crate::folder::{Incoming, Partial};
use crate::head::{HEAD, Identity, identity};
use crate::part10::identity_of_file;
use crate::refusal::Refusal;
use crate::report::Kept;
use crate::syntax::{self, Encoding};
use crate::uid::Uid;
use std::sync::Arc;

/// What the bytes that come are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A file with its meta group.
    File,
    /// A data set alone; `meta` bytes of our own stand before it.
    DataSet { encoding: Encoding, meta: usize },
}

/// What must be in it.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// This SOP instance.
    Instance(Uid),
    /// This SOP instance of this SOP class.
    Object(Identity),
    /// Any.
    Any,
}

/// One object as it comes in: its head is checked once enough of it is there, and nothing is kept before that.
#[derive(Debug)]
pub(crate) struct Arrival {
    partial: Partial,
    name: String,
    form: Form,
    expected: Expected,
    head: Vec<u8>,
    is_checked: bool,
}

impl Arrival {
    pub(crate) fn begin(
        incoming: &Arc<Incoming>,
        name: String,
        form: Form,
        expected: Expected,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            partial: incoming.begin(&name)?,
            name,
            form,
            expected,
            head: Vec::new(),
            is_checked: false,
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if !self.is_checked {
            let wanted = HEAD.saturating_sub(self.head.len());
            self.head.extend(bytes.iter().take(wanted));
            if self.head.len() >= HEAD {
                self.check()?;
            }
        }
        self.partial.write(bytes)
    }

    fn check(&mut self) -> Result<(), Refusal> {
        let found = match self.form {
            Form::File => identity_of_file(&self.head)?,
            Form::DataSet { encoding, meta } => {
                identity(self.head.get(meta..).unwrap_or_default(), encoding)?
            }
        };
        let is_expected = match &self.expected {
            Expected::Instance(instance) => *instance == found.sop_instance,
            Expected::Object(object) => *object == found,
            Expected::Any => true,
        };
        if !is_expected {
            return Err(Refusal::OtherObject);
        }
        if !syntax::is_storage(found.sop_class.as_str()) {
            return Err(Refusal::SopClass);
        }
        self.is_checked = true;
        self.head = Vec::new();
        Ok(())
    }

    /// Makes it durable off the async threads, since a sync takes the disk's time.
    pub(crate) async fn keep(mut self) -> Result<Kept, Refusal> {
        if !self.is_checked {
            self.check()?;
        }
        let kept = tokio::task::spawn_blocking(move || self.partial.keep(&self.name)).await;
        kept.unwrap_or(Err(Refusal::Disk))
    }
}
