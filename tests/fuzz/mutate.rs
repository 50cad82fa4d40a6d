//! Inputs like those at hand, but wrong somewhere. The same seed gives the same inputs.

/// splitmix64.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`; 0 where there is nothing below.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Numbers at which readers err.
const EDGES: [u64; 10] =
    [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX, u64::MAX - 7];
const MOST_CHANGES: usize = 4;
const LONGEST_BYTES: usize = 1 << 14;

/// One to four changes of an input; `others` lend parts of themselves.
pub fn mutated(input: &[u8], others: &[Vec<u8>], words: &[&[u8]], random: &mut Random) -> Vec<u8> {
    let mut made = input.to_vec();
    for _ in 0..=random.below(MOST_CHANGES) {
        change(&mut made, others, words, random);
    }
    made.truncate(LONGEST_BYTES);
    made
}

fn change(made: &mut Vec<u8>, others: &[Vec<u8>], words: &[&[u8]], random: &mut Random) {
    let (at, length) = (random.below(made.len() + 1), 1 + random.below(16));
    let end = (at + length).min(made.len());
    match random.below(9) {
        0 if at < made.len() => made[at] ^= 1 << random.below(8),
        1 if at < made.len() => made[at] = random.below(256) as u8,
        2 => drop(made.drain(at..end)),
        3 => made.truncate(at),
        4 => {
            let copied = made[at..end].to_vec();
            let times = 1 + random.below(3);
            made.splice(at..at, copied.repeat(times));
        }
        5 => {
            let number = EDGES[random.below(EDGES.len())].to_le_bytes();
            let width = [1, 2, 4, 8][random.below(4)];
            let end = (at + width).min(made.len());
            made.splice(at..end, number[..width].iter().copied());
        }
        6 | 7 => {
            let word = words[random.below(words.len())];
            let replaced = if random.below(2) == 0 { at } else { (at + word.len()).min(made.len()) };
            made.splice(at..replaced, word.iter().copied());
        }
        _ => {
            let other = &others[random.below(others.len())];
            let from = random.below(other.len() + 1);
            let to = (from + random.below(64)).min(other.len());
            made.splice(at..end, other[from..to].iter().copied());
        }
    }
}
