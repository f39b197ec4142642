//! Which constants go into a file beside the written model, and where in it.

use std::{collections::BTreeSet, path::Path};

use super::data_file::{self, Part};
use crate::{
    ElementType, Error, Tensor,
    external::{ExternalFiles, location},
    model::{Model, edit::clear, place},
    proto::{
        GraphProto, ModelProto, StringStringEntryProto, TensorProto, tensor_proto::DataLocation,
    },
    tensor,
};

/// Data begin at a multiple of this in the file, so that programs can map them into memory.
const PAGE: u64 = 4096;

/// The constants of one model that go into a file beside it.
pub(super) struct Outside {
    parts: Vec<Part>,
    /// For each part, which of the tensors of the graph it belongs to.
    owners: Vec<usize>,
    length: u64,
}

impl Outside {
    /// Takes the data out of the messages: of constants that were replaced and lay in files before,
    /// or are to from now on, and, if the model goes to another folder, of those that lie in the
    /// same files.
    ///
    /// # Errors
    /// [`Error::External`] for data that cannot be read.
    pub(super) fn take(proto: &mut ModelProto, model: &Model, to: &Path) -> Result<Self, Error> {
        let mut outside = Self {
            parts: Vec::new(),
            owners: Vec::new(),
            length: 0,
        };
        let external = ExternalFiles::new(model.folder.as_deref());
        let moves = !is_same(model.folder.as_deref(), to);
        let files = model.outside.values().flatten();
        let files: BTreeSet<&str> = files.map(String::as_str).collect();
        let mut chosen: BTreeSet<&str> = model.outside.keys().map(String::as_str).collect();
        let graph = proto.graph.as_mut();
        let tensors = graph.into_iter().flat_map(place::tensors).enumerate();
        for (owner, (name, proto)) in tensors {
            let lies = proto.data_location() == DataLocation::EXTERNAL;
            let place = location(&proto.external_data).unwrap_or_default();
            // Of two tensors of one name the first is meant, as where it was replaced.
            let is_chosen = chosen.remove(name.as_str());
            if (is_chosen && !lies) || (lies && moves && files.contains(place)) {
                let data = tensor::decode(proto, &name, &external)?;
                if data.element_type() == ElementType::String {
                    continue;
                }
                clear(proto);
                outside.add(owner, data);
            }
        }
        Ok(outside)
    }

    fn add(&mut self, owner: usize, data: Tensor) {
        let offset = self.length.next_multiple_of(PAGE);
        let length = (data.len() * data.element_type().size()) as u64;
        self.length = offset + length;
        self.owners.push(owner);
        self.parts.push(Part {
            offset,
            length,
            data,
        });
    }

    /// Writes the file beside the model that is to be at `path`, and puts its name into the
    /// messages.
    ///
    /// # Errors
    /// [`Error::Write`], and [`Error::External`] for data that can no longer be read.
    pub(super) fn write(&self, proto: &mut ModelProto, path: &Path) -> Result<(), Error> {
        let name = data_file::write(&self.parts, self.length, path)?;
        let graph: Option<&mut GraphProto> = proto.graph.as_mut();
        let tensors = graph.into_iter().flat_map(place::tensors).enumerate();
        let mut parts = self.owners.iter().zip(&self.parts).peekable();
        for (at, (_, proto)) in tensors {
            if let Some((_, part)) = parts.next_if(|(owner, _)| **owner == at) {
                name_place(proto, &name, part);
            }
        }
        Ok(())
    }
}

fn name_place(proto: &mut TensorProto, name: &str, part: &Part) {
    proto.set_data_location(DataLocation::EXTERNAL);
    proto.external_data = vec![
        entry("location", name.to_owned()),
        entry("offset", part.offset.to_string()),
        entry("length", part.length.to_string()),
    ];
}

fn entry(key: &str, value: String) -> StringStringEntryProto {
    let mut entry = StringStringEntryProto::new();
    entry.set_key(key.to_owned());
    entry.set_value(value);
    entry
}

/// Whether both are the same folder, as far as both are there.
fn is_same(one: Option<&Path>, other: &Path) -> bool {
    let one = one.and_then(|folder| folder.canonicalize().ok());
    one.is_some() && one == other.canonicalize().ok()
}
