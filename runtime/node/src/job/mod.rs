//! One job's life: `Received -> Admitted -> Granted -> Mapped -> Charged -> Released | Withheld`.
//!
//! Each step takes the step before by value, so that none can be left out or done twice. There is no `Rejected`
//! state: a refused job is a line in the ledger and nothing else.

mod admit;
mod cancel;
mod grant;
mod keep;
mod map;
mod open;
mod path;
mod release;
mod replay;
mod run;
mod sealed;
mod share;
mod status;
mod subject;

pub use admit::{Refusal, SubmitRequest, exact_plan_of, grant_of, plan_of};
pub use map::Progress;
pub use open::map_one;
pub use replay::{ReplayError, Replayed};
pub use run::Ran;
pub use status::{JobState, JobStatus};

pub(crate) use admit::{Admitted, Received};
pub(crate) use grant::{Details, Granted};
pub(crate) use release::asked;
pub(crate) use sealed::{Seals, Summed, sealed};
