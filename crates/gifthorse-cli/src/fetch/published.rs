//! Where public data sets are published, how large their files are, and their hashes.

use gifthorse_data::source::Set;

/// A data set as published.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Its folder in the folder of data sets.
    pub folder: &'static str,
    /// The folder in its archive that becomes that folder, if not all of the archive does.
    pub(super) inner: Option<&'static str>,
    /// Its files.
    pub(super) files: &'static [File],
    /// Where the hashes are from.
    pub hashes_from: &'static str,
}

impl Published {
    /// Bytes of all downloads.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.most_bytes).sum()
    }
}

/// One download.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Where it is, by HTTPS.
    pub url: &'static str,
    /// Its size, or more where the size is not published; nothing beyond it is read.
    pub most_bytes: u64,
    /// Its hash.
    pub hash: Hash,
    /// What it is.
    pub kind: Kind,
}

impl File {
    /// The last part of its address.
    pub fn name(&self) -> &'static str {
        self.url.rsplit('/').next().unwrap_or(self.url)
    }
}

/// The hash of a file, in lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256(&'static str),
    /// MD5, where no other is published. It tells a damaged file from a whole one; against a forger
    /// only HTTPS helps.
    Md5(&'static str),
}

/// What to do with a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// A tar archive, compressed with gzip.
    TarGz,
    /// A zip archive.
    Zip,
}

const fn plain(url: &'static str, bytes: u64, sha256: &'static str) -> File {
    File {
        url,
        most_bytes: bytes,
        hash: Hash::Sha256(sha256),
        kind: Kind::Plain,
    }
}

/// GTSRB's publisher gives no sizes; these bounds are well above them.
const fn gtsrb_zip(url: &'static str, most_bytes: u64, md5: &'static str) -> File {
    File {
        url,
        most_bytes,
        hash: Hash::Md5(md5),
        kind: Kind::Zip,
    }
}

const TENSORFLOW: &str = "the checksums of TensorFlow Datasets (tensorflow_datasets/url_checksums)";

#[rustfmt::skip]
const MNIST: [File; 4] = [
            plain("https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz", 9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            plain("https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz", 28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            plain("https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz", 1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            plain("https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz", 4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ];

#[rustfmt::skip]
const FASHION_MNIST: [File; 4] = [
            plain("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/train-images-idx3-ubyte.gz",
                26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            plain("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/train-labels-idx1-ubyte.gz",
                29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            plain("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/t10k-images-idx3-ubyte.gz",
                4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            plain("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/t10k-labels-idx1-ubyte.gz",
                5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ];

#[rustfmt::skip]
const CIFAR_10: [File; 1] = [File {
            url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            most_bytes: 170_052_171,
            hash: Hash::Sha256("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
            kind: Kind::TarGz,
        }];

#[rustfmt::skip]
const GTSRB: [File; 3] = [
            gtsrb_zip("https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/GTSRB_Final_Training_Images.zip",
                400 << 20, "f33fd80ac59bff73c82d25ab499e03a3"),
            gtsrb_zip("https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/GTSRB_Final_Test_Images.zip",
                150 << 20, "c7e4e6327067d32654124b0fe9e82185"),
            gtsrb_zip("https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/GTSRB_Final_Test_GT.zip",
                2 << 20, "fe31e9c9270bbcd7b84b7f21a9d9d9e5"),
        ];

const TORCHVISION: &str = "torchvision (datasets/gtsrb.py) for the test part; several projects agree on that of the training part";

/// How a data set is published; `None` if it is not.
pub fn published(set: Set) -> Option<Published> {
    let (inner, files, hashes_from): (_, &'static [File], _) = match set {
        Set::Mnist => (None, &MNIST, TENSORFLOW),
        Set::FashionMnist => (None, &FASHION_MNIST, TENSORFLOW),
        Set::Cifar10 => (Some("cifar-10-batches-bin"), &CIFAR_10, TENSORFLOW),
        Set::Gtsrb => (None, &GTSRB, TORCHVISION),
        Set::TinyImagenet | Set::Signs | Set::Folder => return None,
    };
    Some(Published {
        folder: set.folder()?,
        inner,
        files,
        hashes_from,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_comes_by_https_with_a_whole_hash() {
        let sets = Set::ALL.into_iter().filter_map(published);
        let files: Vec<&File> = sets.flat_map(|set| set.files).collect();
        assert_eq!(files.len(), 12);
        for file in files {
            assert!(file.url.starts_with("https://"), "{}", file.url);
            let (digits, length) = match file.hash {
                Hash::Sha256(digits) => (digits, 64),
                Hash::Md5(digits) => (digits, 32),
            };
            let hexadecimal = digits.chars().all(|c| "0123456789abcdef".contains(c));
            assert!(hexadecimal && digits.len() == length, "{}", file.url);
        }
    }
}
