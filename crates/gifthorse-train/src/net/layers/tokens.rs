//! Layers of transformers, on `[tokens, features]`.

use std::f32::consts::SQRT_2;

use super::{Conv, Layers};

impl Layers {
    /// Cuts the image into square patches, makes each a token by one matrix, and adds a learned
    /// position.
    pub fn tokens(&mut self, name: &str, patch: usize, features: usize) -> &mut Self {
        let &[_, height, width] = self.shape.as_slice() else {
            return self.mistake(format!("`{name}` needs an image"));
        };
        if patch == 0 {
            return self.mistake(format!("`{name}` are of 0 pixels"));
        }
        if !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            let side = format!("{patch}x{patch}");
            return self.refuse(format!("they do not divide into patches of {side}"));
        }
        let count = (height / patch) * (width / patch);
        self.convolve(name, Conv::valid(features, patch).stride(patch));
        self.reshape(&format!("{name}.row"), &[features, count]);
        self.transpose(&format!("{name}.tokens"), &[0, 2, 1]);
        let positions = self.normal(format!("{name}.positions"), &[1, count, features], 0.02);
        self.shape = vec![count, features];
        self.node("Add", &format!("{name}.placed"), &[&positions], [])
    }

    /// Normalises the features of each token to mean 0 and variance 1, then scales and moves each
    /// feature.
    pub fn layer_norm(&mut self, name: &str) -> &mut Self {
        let features = self.shape.last().copied().unwrap_or(0);
        let scale = self.filled(format!("{name}.scale"), &[features], 1.0);
        let bias = self.bias(name, features);
        self.node(
            "LayerNormalization",
            name,
            &[&scale, &bias],
            [("axis", (-1).into()), ("epsilon", 1e-5.into())],
        )
    }

    /// A fully connected layer on each token.
    pub fn dense(&mut self, name: &str, features: usize) -> &mut Self {
        let &[tokens, inputs] = self.shape.as_slice() else {
            return self.no_tokens(name);
        };
        let deviation = (1.0 / inputs as f32).sqrt();
        let weight = self.normal(format!("{name}.weight"), &[inputs, features], deviation);
        let bias = self.bias(name, features);
        self.shape = vec![tokens, features];
        self.node("MatMul", &format!("{name}.product"), &[&weight], []);
        self.node("Add", name, &[&bias], [])
    }

    /// `x Phi(x)`, with the normal distribution's `Phi`.
    pub fn gelu(&mut self, name: &str) -> &mut Self {
        let value = self.here();
        let names = ["root", "one", "half"].map(|part| format!("{name}.{part}"));
        for (name, value) in names.iter().zip([SQRT_2, 1.0, 0.5]) {
            self.constant(name, &[], &[value]);
        }
        let [root, one, half] = names;
        self.node("Div", &format!("{name}.scaled"), &[&root], []);
        self.node("Erf", &format!("{name}.erf"), &[], []);
        self.node("Add", &format!("{name}.sum"), &[&one], []);
        self.node("Mul", &format!("{name}.share"), &[&half], []);
        self.node("Mul", name, &[value.value()], [])
    }

    /// Attention between all tokens, in several heads, and a fully connected layer on what they
    /// give.
    pub fn attention(&mut self, name: &str, heads: usize) -> &mut Self {
        let &[tokens, features] = self.shape.as_slice() else {
            return self.no_tokens(name);
        };
        if heads == 0 || !features.is_multiple_of(heads) {
            return self.mistake(format!(
                "{features} features do not divide into {heads} heads"
            ));
        }
        let start = self.here();
        let depth = features / heads;
        let parts = [
            ("query", [0, 2, 1, 3]),
            ("key", [0, 2, 3, 1]),
            ("value", [0, 2, 1, 3]),
        ];
        let [query, key, value] = parts.map(|(part, axes)| {
            let part = format!("{name}.{part}");
            self.from(&start).dense(&part, features);
            self.reshape(&format!("{part}.heads"), &[tokens, heads, depth]);
            self.transpose(&format!("{part}.turned"), &axes);
            self.here()
        });
        let scale = format!("{name}.scale");
        self.constant(&scale, &[], &[(1.0 / depth as f32).sqrt()]);
        self.from(&query);
        self.shape = vec![heads, tokens, tokens];
        self.node("MatMul", &format!("{name}.scores"), &[key.value()], []);
        self.node("Mul", &format!("{name}.scaled"), &[&scale], []);
        self.node(
            "Softmax",
            &format!("{name}.shares"),
            &[],
            [("axis", (-1).into())],
        );
        self.shape = vec![heads, tokens, depth];
        self.node("MatMul", &format!("{name}.mix"), &[value.value()], []);
        self.transpose(&format!("{name}.back"), &[0, 2, 1, 3]);
        self.reshape(&format!("{name}.joined"), &[tokens, features]);
        self.dense(&format!("{name}.output"), features)
    }

    /// The mean of all tokens, as features.
    pub fn mean_token(&mut self, name: &str) -> &mut Self {
        let &[_, features] = self.shape.as_slice() else {
            return self.no_tokens(name);
        };
        self.shape = vec![features];
        let attributes = [("axes", [1].into()), ("keepdims", 0.into())];
        self.node("ReduceMean", name, &[], attributes)
    }

    /// Gives every image a new shape.
    fn reshape(&mut self, name: &str, shape: &[usize]) {
        let constant = format!("{name}.shape");
        if self.rng.is_some() {
            // A zero keeps the batch as it is.
            let dims = std::iter::once(0).chain(shape.iter().map(|&dim| dim as i64));
            let dims: Vec<i64> = dims.collect();
            self.graph.initializer_i64(&constant, &[dims.len()], dims);
        }
        self.shape = shape.to_vec();
        self.node("Reshape", name, &[&constant], []);
    }

    /// Reorders the axes, of which the first is the batch.
    fn transpose(&mut self, name: &str, axes: &[i64]) {
        self.shape = axes[1..]
            .iter()
            .map(|&axis| self.shape[axis as usize - 1])
            .collect();
        self.node("Transpose", name, &[], [("perm", axes.to_vec().into())]);
    }

    /// After a refusal there are no tokens, which has been said; otherwise the plan is wrong.
    fn no_tokens(&mut self, name: &str) -> &mut Self {
        if self.misfit.is_some() {
            return self;
        }
        self.mistake(format!(
            "`{name}` needs tokens, and the layer before it gives none"
        ))
    }
}
