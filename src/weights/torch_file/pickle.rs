//! A pickle of tensors, read as data. A pickle is a program for a small stack machine, and Python's machine runs any
//! function that the program names. This one knows five names, builds plain values from them, and refuses the rest.
//!
//! Values live in one flat list and refer to each other by number, so nesting and cycles cost no recursion.

use std::collections::HashMap;

/// Of the program; the released model's has a fortieth of it.
const MAX_PROGRAM_BYTES: usize = 16 << 20;
/// Values that a program may make; the released model's makes a thirtieth of them.
const MAX_VALUES: usize = 1 << 20;
const NEWEST_PROTOCOL: u8 = 5;
/// Without a limit, one long shape could be copied into many tensors.
const MAX_DIMENSIONS: usize = 8;

/// Number of a value in [`Values`].
pub(super) type Id = u32;

/// What a program can make here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'p> {
    Nothing,
    Bool,
    Int(i64),
    Float,
    Text(&'p str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Named(Named),
    Storage(Storage<'p>),
    Tensor(PickledTensor<'p>),
}

/// The names that a program may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// Elements of a storage: torch's name for them, and their size.
    StorageOf(&'static str, usize),
}

/// An archive entry full of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Storage<'p> {
    pub(super) element: &'static str,
    pub(super) element_bytes: usize,
    /// Name of the entry in the folder `data`.
    pub(super) key: &'p str,
    pub(super) count: i64,
}

/// A tensor as a window on a storage; not checked against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PickledTensor<'p> {
    pub(super) storage: Storage<'p>,
    pub(super) offset: i64,
    pub(super) shape: Vec<i64>,
    pub(super) strides: Vec<i64>,
}

/// Everything that a program made, and which of it is its result.
#[derive(Debug)]
pub(super) struct Values<'p> {
    values: Vec<Value<'p>>,
    pub(super) result: Id,
}

impl<'p> Values<'p> {
    pub(super) fn get(&self, id: Id) -> &Value<'p> {
        &self.values[id as usize]
    }
}

/// Runs a program.
///
/// # Errors
/// In words, with the place in the program.
pub(super) fn read(program: &[u8]) -> Result<Values<'_>, String> {
    if program.len() > MAX_PROGRAM_BYTES {
        return Err(format!("its pickle has {} bytes; {MAX_PROGRAM_BYTES} are the most that are read", program.len()));
    }
    let mut machine =
        Machine { program, at: 0, values: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        let at = machine.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(result)) => return Ok(Values { values: machine.values, result }),
            Err(cause) => return Err(format!("{cause} (byte {at} of its pickle)")),
        }
    }
}

struct Machine<'p> {
    program: &'p [u8],
    at: usize,
    values: Vec<Value<'p>>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

type Step<T> = Result<T, String>;

impl<'p> Machine<'p> {
    /// One instruction; the result when it was the last.
    fn step(&mut self) -> Step<Option<Id>> {
        match self.byte()? {
            b'.' => return self.pop().map(Some),
            0x80 => match self.byte()? {
                protocol if protocol <= NEWEST_PROTOCOL => Ok(()),
                protocol => Err(format!("its pickle is of the unknown protocol {protocol}")),
            },
            0x95 => self.bytes(8).map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'N' => self.push(Value::Nothing),
            0x88 | 0x89 => self.push(Value::Bool),
            code @ (b'K' | b'M' | b'J' | 0x8a) => self.int(code),
            b'G' => self.bytes(8).and_then(|_| self.push(Value::Float)),
            code @ (b'X' | 0x8c | 0x8d) => self.text(code),
            code @ (b'q' | b'r' | 0x94) => self.memorise(code),
            code @ (b'h' | b'j') => self.recall(code),
            code @ (b')' | 0x85 | 0x86 | 0x87 | b't') => self.tuple(code),
            b']' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            code @ (b'a' | b'e') => self.append(code),
            code @ (b's' | b'u') => self.set_items(code),
            code @ (b'c' | 0x93) => self.name(code),
            b'Q' => self.storage(),
            b'R' => self.call(),
            b'b' => self.set_attributes(),
            b'i' | b'o' | 0x81 | 0x92 | 0x82..=0x84 => Err("it asks to make an object of its own; refused".into()),
            code => Err(format!("its pickle has the instruction {code:#04x}, which no file of tensors needs")),
        }?;
        Ok(None)
    }

    fn bytes(&mut self, count: usize) -> Step<&'p [u8]> {
        let rest = &self.program[self.at..];
        let taken = rest.get(..count).ok_or("its pickle is cut off")?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Step<[u8; N]> {
        self.bytes(N).map(|bytes| *bytes.first_chunk().expect("as many bytes as asked for"))
    }

    fn byte(&mut self) -> Step<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn push(&mut self, value: Value<'p>) -> Step<()> {
        if self.values.len() == MAX_VALUES {
            return Err(format!("its pickle makes more than {MAX_VALUES} values"));
        }
        self.stack.push(self.values.len() as Id);
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Step<Id> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err("its pickle takes a value where there is none".into());
        }
        self.stack.pop().ok_or_else(|| "its pickle takes a value where there is none".into())
    }

    fn pop_value(&mut self) -> Step<&Value<'p>> {
        let id = self.pop()?;
        Ok(&self.values[id as usize])
    }

    fn pop_to_mark(&mut self) -> Step<Vec<Id>> {
        let height = self.marks.pop().ok_or("its pickle closes a list that it did not open")?;
        Ok(self.stack.split_off(height))
    }

    /// The value that stays on the stack for the next instruction to work on.
    fn top(&mut self) -> Step<&mut Value<'p>> {
        let id = self.pop()?;
        self.stack.push(id);
        Ok(&mut self.values[id as usize])
    }

    fn int(&mut self, code: u8) -> Step<()> {
        let number = match code {
            b'K' => i64::from(self.byte()?),
            b'M' => i64::from(u16::from_le_bytes(self.array()?)),
            b'J' => i64::from(i32::from_le_bytes(self.array()?)),
            _ => {
                let length = usize::from(self.byte()?);
                let bytes = self.bytes(length)?;
                if length > 8 {
                    return Err(format!("its pickle has a number of {length} bytes"));
                }
                let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut all = [if is_negative { 0xff } else { 0 }; 8];
                all[..length].copy_from_slice(bytes);
                i64::from_le_bytes(all)
            }
        };
        self.push(Value::Int(number))
    }

    fn text(&mut self, code: u8) -> Step<()> {
        let length = match code {
            0x8c => u64::from(self.byte()?),
            b'X' => u64::from(u32::from_le_bytes(self.array()?)),
            _ => u64::from_le_bytes(self.array()?),
        };
        let bytes = self.bytes(usize::try_from(length).map_err(|_| "its pickle is cut off")?)?;
        let text = std::str::from_utf8(bytes).map_err(|_| "its pickle has a name that is not text")?;
        self.push(Value::Text(text))
    }

    fn memorise(&mut self, code: u8) -> Step<()> {
        let slot = match code {
            b'q' => u32::from(self.byte()?),
            b'r' => u32::from_le_bytes(self.array()?),
            _ => self.memo.len() as u32,
        };
        let id = self.pop()?;
        self.stack.push(id);
        self.memo.insert(slot, id);
        if self.memo.len() > MAX_VALUES {
            return Err(format!("its pickle remembers more than {MAX_VALUES} values"));
        }
        Ok(())
    }

    fn recall(&mut self, code: u8) -> Step<()> {
        let slot = if code == b'h' { u32::from(self.byte()?) } else { u32::from_le_bytes(self.array()?) };
        let id =
            self.memo.get(&slot).ok_or_else(|| format!("its pickle recalls value {slot}, which it did not make"))?;
        self.stack.push(*id);
        Ok(())
    }

    fn tuple(&mut self, code: u8) -> Step<()> {
        let items = match code {
            b't' => self.pop_to_mark()?,
            b')' => Vec::new(),
            _ => {
                let mut items = (0..=code - 0x85).map(|_| self.pop()).collect::<Step<Vec<_>>>()?;
                items.reverse();
                items
            }
        };
        self.push(Value::Tuple(items))
    }

    fn append(&mut self, code: u8) -> Step<()> {
        let items = if code == b'a' { vec![self.pop()?] } else { self.pop_to_mark()? };
        match self.top()? {
            Value::List(list) => list.extend(items),
            _ => return Err("its pickle appends to something that is no list".into()),
        }
        Ok(())
    }

    fn set_items(&mut self, code: u8) -> Step<()> {
        let items = if code == b's' {
            let value = self.pop()?;
            vec![self.pop()?, value]
        } else {
            self.pop_to_mark()?
        };
        let (pairs, rest) = items.as_chunks::<2>();
        match self.top()? {
            Value::Dict(dict) if rest.is_empty() => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err("its pickle sets items of something that is no dictionary".into()),
        }
        Ok(())
    }

    fn name(&mut self, code: u8) -> Step<()> {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.popped_text()?, self.popped_text()?);
            (module, name)
        };
        let named =
            named(module, name).ok_or_else(|| format!("it asks to run {module}.{name}; refused, nothing was run",))?;
        self.push(Value::Named(named))
    }

    fn popped_text(&mut self) -> Step<&'p str> {
        match self.pop_value()? {
            Value::Text(text) => Ok(text),
            _ => Err("its pickle names something with a value that is no text".into()),
        }
    }

    fn line(&mut self) -> Step<&'p str> {
        let rest = &self.program[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("its pickle is cut off")?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).map_err(|_| "its pickle has a name that is not text".into())
    }

    fn storage(&mut self) -> Step<()> {
        let id = self.pop()?;
        let storage = self.storage_of(id).ok_or("its pickle refers to something that is no storage of a tensor")?;
        self.push(Value::Storage(storage))
    }

    fn storage_of(&self, id: Id) -> Option<Storage<'p>> {
        let &[what, of, key, _place, count] = self.items(id)? else { return None };
        let (Value::Text("storage"), Value::Named(Named::StorageOf(element, element_bytes))) =
            (self.value(what), self.value(of))
        else {
            return None;
        };
        let (Value::Text(key), &Value::Int(count)) = (self.value(key), self.value(count)) else { return None };
        Some(Storage { element, element_bytes: *element_bytes, key, count })
    }

    fn call(&mut self) -> Step<()> {
        let arguments = self.pop()?;
        let Value::Named(named) = *self.pop_value()? else {
            return Err("its pickle calls something that is no function".into());
        };
        let unfit = || format!("its pickle calls {named:?} with arguments that do not fit");
        let made = match named {
            Named::OrderedDict if self.items(arguments).is_some_and(<[Id]>::is_empty) => Value::Dict(Vec::new()),
            Named::RebuildTensor => Value::Tensor(self.tensor(arguments).ok_or_else(unfit)?),
            Named::RebuildParameter => match self.items(arguments).and_then(<[Id]>::first).map(|&id| self.value(id)) {
                Some(Value::Tensor(tensor)) => Value::Tensor(tensor.clone()),
                _ => return Err(unfit()),
            },
            Named::OrderedDict | Named::StorageOf(..) => return Err(unfit()),
        };
        self.push(made)
    }

    fn tensor(&self, arguments: Id) -> Option<PickledTensor<'p>> {
        let [storage, offset, shape, strides, ..] = *self.items(arguments)? else { return None };
        let (&Value::Storage(storage), &Value::Int(offset)) = (self.value(storage), self.value(offset)) else {
            return None;
        };
        let (shape, strides) = (self.ints(shape)?, self.ints(strides)?);
        (shape.len() <= MAX_DIMENSIONS).then_some(PickledTensor { storage, offset, shape, strides })
    }

    /// A state dictionary carries the versions of its modules as an attribute, which nothing here asks for.
    fn set_attributes(&mut self) -> Step<()> {
        self.pop()?;
        match self.top()? {
            Value::Dict(_) => Ok(()),
            _ => Err("its pickle sets attributes of something that is no dictionary; refused".into()),
        }
    }

    fn value(&self, id: Id) -> &Value<'p> {
        &self.values[id as usize]
    }

    fn items(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    fn ints(&self, id: Id) -> Option<Vec<i64>> {
        let int = |&id: &Id| match self.value(id) {
            &Value::Int(number) => Some(number),
            _ => None,
        };
        self.items(id)?.iter().map(int).take(MAX_DIMENSIONS + 1).collect()
    }
}

/// The whole list of what a program may name.
fn named(module: &str, name: &str) -> Option<Named> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Named::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2") => Named::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Named::RebuildParameter,
        ("torch", "FloatStorage") => Named::StorageOf("F32", 4),
        ("torch", "HalfStorage") => Named::StorageOf("F16", 2),
        ("torch", "BFloat16Storage") => Named::StorageOf("BF16", 2),
        ("torch", "DoubleStorage") => Named::StorageOf("F64", 8),
        ("torch", "LongStorage") => Named::StorageOf("I64", 8),
        ("torch", "IntStorage") => Named::StorageOf("I32", 4),
        ("torch", "ShortStorage") => Named::StorageOf("I16", 2),
        ("torch", "CharStorage") => Named::StorageOf("I8", 1),
        ("torch", "ByteStorage") => Named::StorageOf("U8", 1),
        ("torch", "BoolStorage") => Named::StorageOf("BOOL", 1),
        ("torch", "ComplexFloatStorage") => Named::StorageOf("C64", 8),
        ("torch", "ComplexDoubleStorage") => Named::StorageOf("C128", 16),
        _ => return None,
    })
}
