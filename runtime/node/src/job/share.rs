//! Where one worker may serve many patients: policy, review and grant must all say so.

use super::grant::Granted;
use trocar_policy::Isolation;
use trocar_terms::Class;
use trocar_worker::Grant;

/// Whether this job's patients share a worker.
pub(super) fn shares(granted: &Granted) -> bool {
    let admitted = &granted.admitted;
    may_share(admitted.policy.isolation(), admitted.received.package.manifest.class, &admitted.grant)
}

/// Nothing but the engine stands between patients of one process: people have read the code, and no decoder of hostile images
/// runs beside it.
fn may_share(isolation: Isolation, class: Class, grant: &Grant) -> bool {
    let index_only = !grant.pixels && grant.masks.is_empty() && !grant.models;
    isolation == Isolation::SharedWorker && class == Class::ReviewedCode && index_only
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Grant {
        let columns = vec!["age_years".to_owned()];
        Grant { modalities: vec![], pixels: false, masks: vec![], attributes: vec![], columns, models: false }
    }

    #[test]
    fn reviewed_code_on_the_index_shares_a_worker_where_the_policy_lets_it() {
        assert!(may_share(Isolation::SharedWorker, Class::ReviewedCode, &index()));
    }

    #[test]
    fn anything_that_is_missing_means_a_process_for_each() {
        let [strict, shared] = [Isolation::ProcessPerPatient, Isolation::SharedWorker];
        assert!(!may_share(strict, Class::ReviewedCode, &index()));
        assert!(!may_share(shared, Class::AnyCode, &index()));
        let images = [
            Grant { pixels: true, ..index() },
            Grant { masks: vec!["Lesion".into()], ..index() },
            Grant { models: true, ..index() },
        ];
        assert!(images.iter().all(|grant| !may_share(shared, Class::ReviewedCode, grant)));
    }
}
