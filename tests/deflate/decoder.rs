//! A DEFLATE decoder of our own (RFC 1951), bit by bit, which shares nothing with any library.
//!
//! Input: the bytes before a message, and its payload. Output: the message, how far back it
//! refers at most, and the types of its blocks. It panics on whatever is not right to the last bit.

/// What a payload says.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    pub plain: Vec<u8>,
    /// The largest distance of a match; 0 without one.
    pub farthest: usize,
    /// The types in their order: 0 stored, 1 fixed, 2 dynamic; the empty block at the end too.
    pub blocks: Vec<u8>,
}

/// Decodes a payload whose matches may reach into `history`.
pub fn decode(history: &[u8], payload: &[u8]) -> Decoded {
    let input = [payload, &[0x00, 0x00, 0xFF, 0xFF]].concat();
    let mut reader = Reader {
        input: &input,
        at: 0,
        out: history.to_vec(),
        farthest: 0,
    };
    let mut blocks = Vec::new();
    while reader.at < 8 * input.len() {
        let _final = reader.bits(1);
        let block = reader.bits(2) as u8;
        blocks.push(block);
        match block {
            0 => reader.stored(),
            1 => reader.symbols(&fixed_lengths(), &Code::new(&[5; 30])),
            2 => reader.dynamic(),
            _ => panic!("a block of type 3"),
        }
        if _final == 1 {
            reader.at = reader.at.next_multiple_of(8);
        }
    }
    assert_eq!(
        blocks.last(),
        Some(&0),
        "an empty block ends {payload:02x?}"
    );
    Decoded {
        plain: reader.out.split_off(history.len()),
        farthest: reader.farthest,
        blocks,
    }
}

fn fixed_lengths() -> Code {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    Code::new(&lengths)
}

/// A canonical Huffman code: how many codes of each length, and the symbols in their order.
struct Code {
    counts: [u32; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16 {
            let of_length = (0..lengths.len()).filter(|symbol| lengths[*symbol] == length);
            let before = symbols.len();
            symbols.extend(of_length);
            counts[usize::from(length)] = (symbols.len() - before) as u32;
        }
        Self { counts, symbols }
    }
}

struct Reader<'p> {
    input: &'p [u8],
    /// In bits.
    at: usize,
    out: Vec<u8>,
    farthest: usize,
}

impl Reader<'_> {
    fn bit(&mut self) -> u32 {
        let byte = self.input[self.at / 8];
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        u32::from(bit)
    }

    /// A number, the lowest bit first.
    fn bits(&mut self, count: u32) -> u32 {
        (0..count).fold(0, |sum, i| sum | self.bit() << i)
    }

    fn symbol(&mut self, code: &Code) -> usize {
        let (mut value, mut first, mut index) = (0, 0, 0);
        for count in &code.counts[1..] {
            value |= self.bit();
            if value < first + count {
                return code.symbols[(index + value - first) as usize];
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        panic!("no symbol has this code");
    }

    fn stored(&mut self) {
        self.at = self.at.next_multiple_of(8);
        let (len, complement) = (self.bits(16), self.bits(16));
        assert_eq!(len, complement ^ 0xFFFF, "the length of a stored block");
        let start = self.at / 8;
        let end = start + len as usize;
        self.out.extend_from_slice(&self.input[start..end]);
        self.at = 8 * end;
    }

    fn dynamic(&mut self) {
        let literals = 257 + self.bits(5) as usize;
        let distances = 1 + self.bits(5) as usize;
        let count = 4 + self.bits(4) as usize;
        let order = [
            16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
        ];
        let mut lengths = [0; 19];
        for at in &order[..count] {
            lengths[*at] = self.bits(3) as u8;
        }
        let code = Code::new(&lengths);
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < literals + distances {
            let (length, repeat) = match self.symbol(&code) {
                16 => (*lengths.last().expect("a length"), 3 + self.bits(2)),
                17 => (0, 3 + self.bits(3)),
                18 => (0, 11 + self.bits(7)),
                length => (length as u8, 1),
            };
            lengths.resize(lengths.len() + repeat as usize, length);
        }
        assert_eq!(lengths.len(), literals + distances, "code lengths");
        let (literals, distances) = lengths.split_at(literals);
        self.symbols(&Code::new(literals), &Code::new(distances));
    }

    fn symbols(&mut self, literals: &Code, distances: &Code) {
        loop {
            match self.symbol(literals) {
                literal @ 0..256 => self.out.push(literal as u8),
                256 => break,
                length => {
                    let length = self.length(length - 257);
                    let symbol = self.symbol(distances);
                    let distance = self.distance(symbol);
                    self.copy(length, distance);
                }
            }
        }
    }

    /// 3 to 10 without extra bits, then four symbols for each number of them, and 258.
    fn length(&mut self, symbol: usize) -> usize {
        match symbol {
            0..8 => 3 + symbol,
            8..28 => {
                let extra = symbol / 4 - 1;
                3 + ((4 + symbol % 4) << extra) + self.bits(extra as u32) as usize
            }
            _ => 258,
        }
    }

    /// 1 to 4 without extra bits, then two symbols for each number of them.
    fn distance(&mut self, symbol: usize) -> usize {
        match symbol {
            0..4 => 1 + symbol,
            _ => {
                let extra = symbol / 2 - 1;
                1 + ((2 + symbol % 2) << extra) + self.bits(extra as u32) as usize
            }
        }
    }

    fn copy(&mut self, length: usize, distance: usize) {
        let start = self.out.len();
        assert!(distance <= start, "distance {distance} with {start} bytes");
        self.farthest = self.farthest.max(distance);
        for at in start..start + length {
            self.out.push(self.out[at - distance]);
        }
    }
}

#[test]
fn it_reads_what_is_known() {
    use crate::support::hex;
    let rows = [
        ("f248cdc9c90700", "", "Hello", 0, &[1, 0][..]),
        ("f200110000", "Hello", "Hello", 5, &[1, 0]),
        ("000500faff48656c6c6f00", "", "Hello", 0, &[0, 0]),
        ("f348cdc9c9070000", "", "Hello", 0, &[1, 0]),
        ("f24805000000ffffcac9c90700", "", "Hello", 0, &[1, 0, 1, 0]),
        ("00", "", "", 0, &[0]),
        ("01", "", "", 0, &[0]),
    ];
    for (payload, history, plain, farthest, blocks) in rows {
        let expected = Decoded {
            plain: plain.into(),
            farthest,
            blocks: blocks.to_vec(),
        };
        assert_eq!(decode(history.as_bytes(), &hex(payload)), expected);
    }
}

#[test]
fn it_reads_what_the_c_library_writes() {
    use super::{Data, zlib};
    for data in Data::ALL {
        for level in [1, 6, 9] {
            let plain = data.make(20_000, u64::from(level));
            let payload = zlib::Sender::new(level, 15, true).message(&plain);
            let decoded = decode(&[], &payload);
            assert_eq!(decoded.plain, plain, "{data:?} at level {level}");
            let dynamic = decoded.blocks.contains(&2);
            assert!(
                dynamic || data == Data::Random,
                "{data:?} {:?}",
                decoded.blocks
            );
        }
    }
}
