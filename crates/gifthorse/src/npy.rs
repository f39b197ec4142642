//! NumPy arrays of raw model input and of logits.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use gifthorse_data::open_npy;
use npyz::{DType, NpyFile, TypeChar, WriterBuilder};

/// Most values that are read, 4 GiB of float32.
const MOST_VALUES: u64 = 1 << 30;

/// An array of numbers in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values, last dimension fastest.
    pub values: Vec<f32>,
}

/// Reads an array of float32, float64, uint8 or any other integers as float32.
///
/// # Errors
/// What is wrong with the file, in words that go after its name.
pub fn read(path: &Path) -> Result<NpyArray, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let array = open_npy(BufReader::new(file)).map_err(|reason| format!("it {reason}"))?;
    let claimed = array
        .shape()
        .iter()
        .try_fold(1u64, |n, &side| n.checked_mul(side));
    if claimed.is_none_or(|values| values > MOST_VALUES) {
        return Err(format!(
            "it claims the shape {:?}; at most {MOST_VALUES} values are read",
            array.shape()
        ));
    }
    let shape = array.shape().iter().map(|&side| side as usize).collect();
    let values = values(array)?;
    Ok(NpyArray { shape, values })
}

fn values(array: NpyFile<impl Read>) -> Result<Vec<f32>, String> {
    let DType::Plain(dtype) = array.dtype() else {
        return Err("it is a structured array; an array of numbers is expected".to_owned());
    };
    macro_rules! read {
        ($from:ty) => {
            array
                .data::<$from>()
                .map_err(|error| error.to_string())?
                .map(|value| {
                    value
                        .map(|value| value as f32)
                        .map_err(|error| error.to_string())
                })
                .collect()
        };
    }
    match (dtype.type_char(), dtype.size_field()) {
        (TypeChar::Float, 4) => read!(f32),
        (TypeChar::Float, 8) => read!(f64),
        (TypeChar::Uint, 1) => read!(u8),
        (TypeChar::Uint, 2) => read!(u16),
        (TypeChar::Uint, 4) => read!(u32),
        (TypeChar::Uint, 8) => read!(u64),
        (TypeChar::Int, 1) => read!(i8),
        (TypeChar::Int, 2) => read!(i16),
        (TypeChar::Int, 4) => read!(i32),
        (TypeChar::Int, 8) => read!(i64),
        _ => Err(format!(
            "it holds values of type {dtype}; integers, float32 and float64 are read"
        )),
    }
}

/// Writes an array of float32 in row-major order.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, array: &NpyArray) -> std::io::Result<()> {
    let shape: Vec<u64> = array.shape.iter().map(|&side| side as u64).collect();
    let mut file = BufWriter::new(File::create(path)?);
    let mut writer = npyz::WriteOptions::<f32>::new()
        .default_dtype()
        .shape(&shape)
        .writer(&mut file)
        .begin_nd()?;
    writer.extend(array.values.iter().copied())?;
    writer.finish()?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_bytes(bytes: &[u8]) -> Result<NpyArray, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let array = NpyArray {
            shape: vec![2, 3],
            values: vec![0.0, -1.5, 2.0, f32::MAX, 4.0, 5.0],
        };
        write(&path, &array).unwrap();
        assert_eq!(read(&path).unwrap(), array);
    }

    #[test]
    fn other_types_are_converted() {
        let header = |dtype: &str| {
            format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': (2,), }}\n")
        };
        let bytes = of_bytes(&file(&header("|u1"), &[7, 255])).unwrap();
        assert_eq!(bytes.values, [7.0, 255.0]);
        let doubles = [0.5f64, -2.0].map(f64::to_le_bytes).concat();
        assert_eq!(
            of_bytes(&file(&header("<f8"), &doubles)).unwrap().values,
            [0.5, -2.0]
        );
    }

    #[test]
    fn hostile_files_are_refused() {
        let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
        let good = file(plain, &[0; 8]);
        assert!(of_bytes(&good).is_ok());
        for end in 0..good.len() {
            assert!(of_bytes(&good[..end]).is_err(), "{end} bytes");
        }
        // In a debug build, too, in which a product that overflows ends the program.
        for shape in ["(99999999999, 99999999999)", "(4294967296, 4294967296, 4)"] {
            let huge = of_bytes(&file(&plain.replace("(2,)", shape), &[])).unwrap_err();
            assert!(
                huge.contains("claims too much") && huge.contains(shape),
                "{huge}"
            );
        }
        assert!(of_bytes(&file(&"(".repeat(4000), &[])).is_err());
        assert!(of_bytes(&file(&plain.replace("<f4", "<c8"), &[0; 16])).is_err());
        assert!(of_bytes(b"PK\x03\x04 not an array").is_err());
    }
}
