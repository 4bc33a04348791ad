//! A canister's module: what it exports, and a form of it whose whole state can be read.
//! Source: IC interface specification, "Canister module format".

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, LazyLock, Mutex},
};

use wasmparser::{ExternalKind, Parser, Payload, TypeRef};
use wasmtime::{Engine, InstancePre};

use crate::{cbor::sha256, host::Host, system};

/// Most bytes of a module.
const MODULE_BYTES_MAX: usize = 10 << 20;
/// Most bytes of WebAssembly stack; a tokio thread has 2 MiB.
const STACK_BYTES_MAX: usize = 1 << 20;
/// Names that the rewritten module exports its insides by.
pub(crate) const MEMORY: &str = "devnet memory";
pub(crate) const TABLE: &str = "devnet table";
pub(crate) const START: &str = "devnet start";
const GLOBAL: &str = "devnet global ";

/// How a public method may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// Changes state.
    Update,
    /// Answers from the state as it is.
    Query,
    /// May ask other canisters besides.
    CompositeQuery,
}

/// A module that can be run.
pub(crate) struct Module {
    pub(crate) hash: [u8; 32],
    pub(crate) instance: InstancePre<Host>,
    pub(crate) methods: BTreeMap<String, MethodKind>,
    /// Custom sections that the canister publishes, and whether everybody may read them.
    pub(crate) metadata: BTreeMap<String, (Readers, Vec<u8>)>,
    /// The exported names of its mutable globals.
    pub(crate) globals: Vec<String>,
    pub(crate) entries: Vec<String>,
}

/// Who may read a custom section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Everybody,
    Controllers,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("hash", &hex::encode(self.hash)).finish_non_exhaustive()
    }
}

impl Module {
    /// Compiles `wasm`, or finds it compiled before in this process.
    ///
    /// The error says what is wrong with it.
    pub(crate) fn new(wasm: &[u8]) -> Result<Arc<Self>, String> {
        static COMPILED: LazyLock<Mutex<HashMap<[u8; 32], Arc<Module>>>> =
            LazyLock::new(Mutex::default);
        let hash = sha256(&[wasm]);
        let kept = || COMPILED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(module) = kept().get(&hash) {
            return Ok(module.clone());
        }
        // The lock is not held while compiling: at worst a module is compiled twice.
        let module = Arc::new(Self::compile(wasm, hash)?);
        kept().insert(hash, module.clone());
        Ok(module)
    }

    pub(crate) fn exports(&self, entry: &str) -> bool {
        self.entries.iter().any(|name| name == entry)
    }

    fn compile(wasm: &[u8], hash: [u8; 32]) -> Result<Self, String> {
        if wasm.len() > MODULE_BYTES_MAX {
            return Err(format!("a module has at most {MODULE_BYTES_MAX} bytes"));
        }
        if wasm.starts_with(b"\x1f\x8b\x08") {
            return Err("compressed modules are not supported here".to_owned());
        }
        let outline = Outline::read(wasm).map_err(|error| error.to_string())?;
        outline.check()?;
        let opened = outline.opened(wasm);
        let engine = engine();
        let show = |error: wasmtime::Error| format!("{error:#}");
        let module = wasmtime::Module::new(engine, opened).map_err(show)?;
        let mut linker = system::linker(engine);
        // What is not there traps when it is called, not before.
        linker.define_unknown_imports_as_traps(&module).map_err(show)?;
        let instance = linker.instantiate_pre(&module).map_err(show)?;
        let methods = outline.methods()?;
        let metadata = outline.metadata();
        Ok(Self {
            hash,
            instance,
            methods,
            metadata,
            globals: outline.globals.iter().map(|index| format!("{GLOBAL}{index}")).collect(),
            entries: outline.exports,
        })
    }
}

/// The one engine: fuel counts instructions, and results do not depend on the processor.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        let mut config = wasmtime::Config::new();
        config.consume_fuel(true).cranelift_nan_canonicalization(true);
        config.max_wasm_stack(STACK_BYTES_MAX);
        Engine::new(&config).expect("the configuration holds no contradiction")
    });
    &ENGINE
}

/// The parts of a module's binary form that matter here.
#[derive(Debug, Default)]
struct Outline {
    /// Id and place of every section's content, in order.
    sections: Vec<(u8, Range<usize>)>,
    exports: Vec<String>,
    /// Indices of mutable globals that hold numbers.
    globals: Vec<u32>,
    memories: u32,
    wide: bool,
    tables: u32,
    start: Option<u32>,
    custom: Vec<(String, Vec<u8>)>,
    export_count: u32,
    /// Where the entries of the export section begin.
    exports_at: Range<usize>,
    strange_import: Option<String>,
}

impl Outline {
    fn read(wasm: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Some((id, range)) = payload.as_section() {
                outline.sections.push((id, place(range)));
            }
            outline.note(payload)?;
        }
        Ok(outline)
    }

    fn note(&mut self, payload: Payload<'_>) -> Result<(), wasmparser::BinaryReaderError> {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    if import.module != "ic0" || !matches!(import.ty, TypeRef::Func(_)) {
                        self.strange_import = Some(format!("{}.{}", import.module, import.name));
                    }
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    self.memories += 1;
                    self.wide |= memory?.memory64;
                }
            }
            Payload::TableSection(tables) => self.tables = tables.count(),
            Payload::GlobalSection(globals) => {
                for (index, global) in (0..).zip(globals) {
                    let kind = global?.ty;
                    let reference = matches!(kind.content_type, wasmparser::ValType::Ref(_));
                    if kind.mutable && !reference {
                        self.globals.push(index);
                    }
                }
            }
            Payload::ExportSection(exports) => {
                self.export_count = exports.count();
                self.exports_at = place(exports.original_position()..exports.range().end);
                for export in exports {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        self.exports.push(export.name.to_owned());
                    }
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::CustomSection(section) => {
                self.custom.push((section.name().to_owned(), section.data().to_vec()));
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if let Some(name) = &self.strange_import {
            return Err(format!("it imports {name}, which is no function of ic0"));
        }
        if self.memories > 1 {
            return Err("it has more than one memory".to_owned());
        }
        if self.wide {
            return Err("64-bit memories are not supported here".to_owned());
        }
        Ok(())
    }

    /// The module with its memory, table, start function and mutable globals exported, and with
    /// nothing that runs when it is instantiated.
    fn opened(&self, wasm: &[u8]) -> Vec<u8> {
        let mut entries = wasm.get(self.exports_at.clone()).unwrap_or(&[]).to_vec();
        let mut count = self.export_count;
        let mut export = |name: &str, kind: u8, index: u32| {
            count += 1;
            put_leb128(&mut entries, name.len() as u32);
            entries.extend(name.as_bytes());
            entries.push(kind);
            put_leb128(&mut entries, index);
        };
        if self.memories > 0 {
            export(MEMORY, 2, 0);
        }
        if self.tables > 0 {
            export(TABLE, 1, 0);
        }
        if let Some(start) = self.start {
            export(START, 0, start);
        }
        for global in &self.globals {
            export(&format!("{GLOBAL}{global}"), 3, *global);
        }
        let mut content = Vec::new();
        put_leb128(&mut content, count);
        content.append(&mut entries);

        let mut out = wasm.get(..8).unwrap_or(&[]).to_vec();
        let mut pending = Some(content);
        for (id, range) in &self.sections {
            // Sections from the start on, in the order of the binary format.
            if matches!(id, 8..=12) {
                put_section(&mut out, 7, pending.take());
            }
            match id {
                7 => put_section(&mut out, 7, pending.take()),
                8 => {}
                _ => put_section(&mut out, *id, wasm.get(range.clone()).map(<[u8]>::to_vec)),
            }
        }
        put_section(&mut out, 7, pending);
        out
    }

    fn methods(&self) -> Result<BTreeMap<String, MethodKind>, String> {
        let kinds = [
            ("canister_update ", MethodKind::Update),
            ("canister_query ", MethodKind::Query),
            ("canister_composite_query ", MethodKind::CompositeQuery),
        ];
        let mut methods = BTreeMap::new();
        for export in &self.exports {
            let kind = kinds.iter().find_map(|(prefix, kind)| {
                export.strip_prefix(prefix).map(|name| (name.to_owned(), *kind))
            });
            let Some((name, kind)) = kind else { continue };
            if methods.insert(name, kind).is_some() {
                return Err(format!("it exports a method twice: {export}"));
            }
        }
        Ok(methods)
    }

    fn metadata(&self) -> BTreeMap<String, (Readers, Vec<u8>)> {
        let entry = |(name, data): &(String, Vec<u8>)| {
            let public = name.strip_prefix("icp:public ").map(|name| (name, Readers::Everybody));
            let private =
                name.strip_prefix("icp:private ").map(|name| (name, Readers::Controllers));
            let (name, readers) = public.or(private)?;
            Some((name.to_owned(), (readers, data.clone())))
        };
        self.custom.iter().filter_map(entry).collect()
    }
}

/// A place in the module; its length fits, as the module lies in memory.
fn place(range: Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn put_section(out: &mut Vec<u8>, id: u8, content: Option<Vec<u8>>) {
    if let Some(content) = content {
        out.push(id);
        put_leb128(out, content.len() as u32);
        out.extend(content);
    }
}

fn put_leb128(out: &mut Vec<u8>, number: u32) {
    out.extend(crate::cbor::leb128(u64::from(number)));
}
