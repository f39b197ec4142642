//! Frames of gRPC: a byte that says whether the message is compressed, its length, the message.

use std::io::Read;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::read::{GzDecoder, ZlibDecoder};
use hyper::HeaderMap;

const HEAD: usize = 5;

/// The message of a body that has one; `limit` bounds it once it is unpacked.
///
/// # Errors
/// What is wrong with the body.
pub(crate) fn unframed(headers: &HeaderMap, body: &Bytes, limit: usize) -> Result<Bytes, String> {
    let Some((head, rest)) = body.split_first_chunk::<HEAD>() else {
        return Err("the body ends before its message".to_owned());
    };
    let [flag, length @ ..] = *head;
    if u32::from_be_bytes(length) as usize != rest.len() {
        return Err("the body is not one message of the length that it states".to_owned());
    }
    let message = body.slice(HEAD..);
    match flag {
        0 => Ok(message),
        1 => unpack(headers, &message, limit),
        _ => Err("the frame of the message has an unknown flag".to_owned()),
    }
}

/// A message in its frame.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(HEAD + message.len());
    body.put_u8(0);
    // Messages are bounded far below that.
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.put_slice(message);
    body.freeze()
}

fn unpack(headers: &HeaderMap, message: &[u8], limit: usize) -> Result<Bytes, String> {
    let encoding = headers.get("grpc-encoding").map(|value| value.as_bytes());
    let mut unpacked = Vec::new();
    let most = limit as u64 + 1;
    let done = match encoding {
        Some(b"gzip") => GzDecoder::new(message)
            .take(most)
            .read_to_end(&mut unpacked),
        Some(b"deflate") => ZlibDecoder::new(message)
            .take(most)
            .read_to_end(&mut unpacked),
        _ => return Err("the message is compressed with neither gzip nor deflate".to_owned()),
    };
    match done {
        Err(error) => Err(format!("the message cannot be unpacked: {error}")),
        Ok(bytes) if bytes > limit => {
            Err(format!("the message has more than {limit} bytes unpacked"))
        }
        Ok(_) => Ok(unpacked.into()),
    }
}
