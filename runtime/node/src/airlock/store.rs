//! `airlock/`: held results with their evidence, who stands behind each, and the reasons that output checkers gave.
//!
//! All of it is patients' data. Every file carries an HMAC under the node's audit key over its name and bytes. What was
//! released is kept for ever in `airlock/released/`: without all of it no further exact result leaves.

use crate::audit::mac;
use crate::error::{NodeError, ask};
use crate::files;
use crate::home::Home;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use trocar_filter::{Held, Members};
use trocar_manifest::Verdict;
use trocar_manifest::keys::PublicKey;
use trocar_terms::JobId;

const TAG: usize = 32;
const RELEASED: &str = "released";

/// Why an output checker decided so, and what opens the commitment to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    pub(crate) verdict: Verdict,
    pub(crate) checker: PublicKey,
    pub(crate) why: String,
    /// 32 random bytes in hex.
    pub(crate) opening: String,
}

/// The open folder.
#[derive(Debug)]
pub(crate) struct Airlock {
    folder: PathBuf,
    key: [u8; 32],
}

impl Airlock {
    pub(crate) fn of(home: &Home) -> Result<Self, NodeError> {
        let folder = home.airlock_path();
        files::private_dir(&folder.join(RELEASED))?;
        Ok(Self { folder, key: home.audit_key()? })
    }

    /// Keeps a result that waits. A job that was mapped again after a crash replaces what it left.
    pub(crate) fn hold(&self, held: &Held, members: &Members) -> Result<(), NodeError> {
        self.write(&format!("{}.members", held.job()), &packed(members)?)?;
        self.write(&format!("{}.held", held.job()), &serde_json::to_vec(held)?)
    }

    pub(crate) fn held(&self, job: &JobId) -> Result<Held, NodeError> {
        let held: Held = serde_json::from_slice(&self.read(&format!("{job}.held"))?)?;
        if held.job() == *job { Ok(held) } else { damaged(job) }
    }

    pub(crate) fn members(&self, job: &JobId) -> Result<Members, NodeError> {
        self.members_at(job, &format!("{job}.members"))
    }

    /// Who stands behind a released result.
    pub(crate) fn released(&self, job: &JobId) -> Result<Members, NodeError> {
        self.members_at(job, &format!("{RELEASED}/{job}.members"))
    }

    /// Counts a result among the released ones, before it is: a crash after this only forbids more.
    pub(crate) fn count_released(&self, members: &Members) -> Result<(), NodeError> {
        self.write(&format!("{RELEASED}/{}.members", members.job()), &packed(members)?)
    }

    /// Every job whose members count as released, whatever the ledger says.
    pub(crate) fn counted(&self) -> Result<Vec<JobId>, NodeError> {
        let folder = self.folder.join(RELEASED);
        let entries = std::fs::read_dir(&folder).map_err(crate::error::file("read", &folder))?;
        let mut jobs = Vec::new();
        for entry in entries {
            let name = entry.map_err(crate::error::file("read", &folder))?.file_name();
            let job: Option<JobId> =
                name.to_str().and_then(|name| name.strip_suffix(".members")?.parse().ok());
            jobs.extend(job);
        }
        Ok(jobs)
    }

    pub(crate) fn keep_reason(&self, job: &JobId, reason: &Reason) -> Result<(), NodeError> {
        self.write(&format!("{job}.reason"), &serde_json::to_vec(reason)?)
    }

    pub(crate) fn reason(&self, job: &JobId) -> Result<Reason, NodeError> {
        Ok(serde_json::from_slice(&self.read(&format!("{job}.reason"))?)?)
    }

    fn members_at(&self, job: &JobId, name: &str) -> Result<Members, NodeError> {
        let members: Members = postcard::from_bytes(&self.read(name)?).map_err(|_| NodeError::Index)?;
        if members.job() == *job { Ok(members) } else { damaged(job) }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), NodeError> {
        let tag = self.tag(name, bytes).finalize().into_bytes();
        files::write_durably(&self.folder.join(name), &[&tag, bytes].concat())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, NodeError> {
        let all = files::read(&self.folder.join(name))?;
        let checked =
            all.split_at_checked(TAG).filter(|(tag, bytes)| self.tag(name, bytes).verify_slice(tag).is_ok());
        match checked {
            Some((_, bytes)) => Ok(bytes.to_vec()),
            None => ask(format!("the file airlock/{name} of the home is damaged: restore it from a backup")),
        }
    }

    fn tag(&self, name: &str, bytes: &[u8]) -> hmac::Hmac<sha2::Sha256> {
        mac(&self.key, &[b"airlock", name.as_bytes(), bytes])
    }
}

fn packed(members: &Members) -> Result<Vec<u8>, NodeError> {
    postcard::to_stdvec(members).map_err(|_| NodeError::Index)
}

fn damaged<T>(job: &JobId) -> Result<T, NodeError> {
    ask(format!("the airlock holds another job under {job}: restore it from a backup"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trocar_filter::{ExactAdmission, ExactPlan, ExactSums};
    use trocar_terms::{FixedClock, Kind, Output, Timestamp};

    const JOB: JobId = JobId::from_bytes([1; 16]);

    fn held() -> (Held, Members) {
        let (name, rho) = ("n".parse().unwrap(), "0.02".parse().unwrap());
        let outputs = [Output { name, unit: "1".into(), rho, kind: Kind::Count }];
        let admission =
            ExactAdmission { outputs: &outputs, derived: &[], k: 10, n_pub: 50, parametrised: true };
        let mut sums = ExactSums::new(&ExactPlan::admit(&admission).unwrap());
        (0..20_u128).for_each(|i| sums.add_default(i.to_be_bytes()));
        sums.hold(JOB)
    }

    #[test]
    fn what_is_held_is_read_back_and_a_changed_byte_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let home =
            Home::create(folder.path(), &"n".parse().unwrap(), &FixedClock(Timestamp::from_seconds(0)));
        let airlock = Airlock::of(&home.unwrap()).unwrap();
        let (held, members) = held();
        airlock.hold(&held, &members).unwrap();
        assert_eq!((airlock.held(&JOB).unwrap(), airlock.members(&JOB).unwrap()), (held, members.clone()));
        airlock.count_released(&members).unwrap();
        assert_eq!(airlock.counted().unwrap(), [JOB]);
        // A released result's members are not a held one's: the name is under the tag.
        let (of, to) =
            (airlock.folder.join(format!("{JOB}.held")), airlock.folder.join(format!("{JOB}.members")));
        std::fs::copy(of, &to).unwrap();
        assert!(airlock.members(&JOB).is_err());
        let path = airlock.folder.join(RELEASED).join(format!("{JOB}.members"));
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(airlock.released(&JOB).is_err());
    }
}
