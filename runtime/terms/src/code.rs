use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $text:literal;)+) => {
        /// A stable code for every outcome that leaves the node: the words are constants, whatever the data.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code { $($(#[doc = $doc])+ #[serde(rename = $code)] $name,)+ }

        impl Code {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Such as `ADM-01`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// One fixed sentence.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

codes! {
    /// Released: the gate opened and the noised results are in the bundle.
    Released = "REL-01", "Released.";
    /// Withheld: the cohort gate did not open. The same words for 0, 1 and k - 1 patients.
    Withheld = "REL-02", "Withheld: the cohort is too small to release anything about it.";
    /// The job is accepted and its release time is fixed.
    Accepted = "REL-03", "Accepted: the result can be fetched at release_at.";
    /// An exact result stays: the same words whatever the rule or the output checker's reason.
    HeldBack = "REL-04", "Withheld: the node keeps this exact result.";
    /// The node could not finish for a reason that has nothing to do with a patient.
    NodeFailure = "NOD-01", "The node could not finish this job; ask its operator.";
    /// The policy does not allow the manifest's class.
    ClassForbidden = "ADM-01", "The dataset's policy does not allow this assurance class.";
    /// A capability is not grantable.
    NotGrantable = "ADM-02", "The manifest asks for something that the dataset's policy does not grant.";
    /// A purpose is not allowed.
    PurposeForbidden = "ADM-03", "A purpose of the manifest is not allowed by the dataset's policy.";
    /// The author is not allowed.
    AuthorForbidden = "ADM-04", "The package's author is not among the authors of the dataset's policy.";
    /// The outputs cannot be released under the rules of the filter.
    FilterRefuses = "ADM-05", "The outputs cannot be released: bounds, noise or size are outside the filter's rules.";
    /// The component imports something that its manifest does not ask for or that the contract does not have.
    ImportRefused = "ADM-06", "The component imports something that it was not granted.";
    /// A parameter is unknown, missing, or off its grid.
    ParameterRefused = "ADM-07", "A parameter is not declared by the manifest or is off its grid.";
    /// The cohort expression is not allowed.
    CohortRefused = "ADM-08", "The cohort expression is not valid or uses something that is not granted.";
    /// The component is not a component of this contract.
    ComponentRefused = "ADM-09", "The component is not a valid component of the guest contract.";
    /// A model is not one that is run here.
    ModelRefused = "ADM-10", "A model of the package is not one that the node's runtime runs.";
    /// No valid approval.
    NotApproved = "APP-01", "No valid approval of this package for this dataset: a node operator must approve it.";
    /// The approval has run out.
    ApprovalSpent = "APP-02", "The approval has expired or its number of runs is used up.";
    /// The operator rejected the package.
    Rejected = "APP-03", "The node's operator has rejected this package for this dataset.";
    /// Reviewed code without its reviews.
    NotReviewed = "APP-04", "Two reviewers of the dataset's policy must sign the component before it answers exactly.";
    /// A job costs more than the policy or the approval allows one job.
    JobBudget = "BUD-01", "The job costs more than one job may.";
    /// The rolling year is used up.
    YearBudget = "BUD-02", "The dataset's privacy budget for the last 365 days does not cover this job.";
    /// The lifetime budget is used up.
    LifetimeBudget = "BUD-03", "The dataset's lifetime privacy budget does not cover this job.";
    /// The project's share is used up.
    ProjectBudget = "BUD-04", "The project's share of the year does not cover this job.";
    /// The delta for gates is used up.
    GateDeltaBudget = "BUD-05", "The dataset's yearly delta for cohort gates does not cover this job.";
    /// The pool of feasibility counts is used up.
    CountsBudget = "BUD-06", "The dataset's privacy budget for feasibility counts does not cover this count.";
    /// The signature or a digest of the package is wrong.
    PackageTampered = "PKG-01", "The package is damaged or its signature does not verify.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.text(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_each_has_a_sentence() {
        let codes: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.code()).collect();
        assert_eq!(codes.len(), Code::ALL.len(), "two outcomes share a code");
        assert!(Code::ALL.iter().all(|c| c.text().ends_with(['.', '?'])));
    }
}
