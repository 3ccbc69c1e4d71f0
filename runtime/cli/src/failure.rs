//! What went wrong, with the exit code of DESIGN.md section 7.

use crate::out::say;
use trocar_node::{JobState, NodeError};

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    Withheld = 4,
    Unverified = 5,
}

impl From<JobState> for Exit {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Accepted | JobState::Released => Self::Done,
            JobState::Withheld => Self::Withheld,
            JobState::Refused => Self::Refused,
            JobState::NodeFailure => Self::Failed,
        }
    }
}

/// A failure that a person can act on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With a place in a file.
    Located(Exit, Box<dyn miette::Diagnostic + Send + Sync>),
    /// In words.
    Plain(Exit, anyhow::Error),
}

impl Failure {
    pub(crate) fn located(exit: Exit, error: impl miette::Diagnostic + Send + Sync + 'static) -> Self {
        Self::Located(exit, Box::new(error))
    }

    pub(crate) fn plain(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self::Plain(exit, error.into())
    }

    /// It and its causes on one line.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Located(_, error) => error.to_string(),
            Self::Plain(_, error) => format!("{error:#}"),
        }
    }

    /// Says it and gives the exit code.
    pub(crate) fn report(self) -> Exit {
        match self {
            Self::Located(exit, error) => {
                say(&format!("{:?}", miette::Report::new_boxed(error)));
                exit
            }
            Self::Plain(exit, error) => {
                say(&format!("error: {error:#}"));
                exit
            }
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Plain(Exit::Failed, error)
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Policy(policy) => Self::Located(Exit::Failed, policy),
            NodeError::Package(_) => Self::plain(Exit::Unverified, error),
            NodeError::Forbidden(_) => Self::plain(Exit::Refused, error),
            other => Self::plain(Exit::Failed, other),
        }
    }
}
