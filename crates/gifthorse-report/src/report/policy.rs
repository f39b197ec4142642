//! What the user's policy says of a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the model may be used, by the rules of a policy file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyOutcome {
    /// Path of the policy as it was given.
    pub path: String,
    /// Whether all its rules are met.
    pub met: bool,
    /// The rules that are not, a sentence each.
    pub unmet: Vec<String>,
    /// Why this model file is accepted although a backdoor was found in it; null unless the policy
    /// says so.
    pub accepted: Option<String>,
}
