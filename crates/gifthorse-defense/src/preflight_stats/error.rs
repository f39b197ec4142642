//! What can be wrong with the numbers handed to the pre-flight.

use thiserror::Error;

/// Why two sets of predictions, or labels and predictions, cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PreflightError {
    /// Lists of different lengths.
    #[error(
        "{labels} labels, but {predictions} predictions: both must be of the same images in the same order"
    )]
    Lengths {
        /// Number of labels.
        labels: usize,
        /// Number of predictions.
        predictions: usize,
    },
    /// A confusion matrix that is not square.
    #[error(
        "row {row} of the confusion matrix has {columns} columns, but there are {rows} rows; it must be square"
    )]
    NotSquare {
        /// Row at fault.
        row: usize,
        /// Its length.
        columns: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A label that the model has no class for.
    #[error("label {label} is none of the model's {classes} classes, which are numbered from 0")]
    Label {
        /// The label.
        label: usize,
        /// Classes of the model.
        classes: usize,
    },
}
