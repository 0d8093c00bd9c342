//! From a region to relocatable host code.

use std::sync::Arc;

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context as ClContext, FinalizedRelocTarget};
use cranelift_frontend::FunctionBuilderContext;
use mynah_ir::Region;

use crate::fault::FaultMap;
use crate::features::HostFeatures;
use crate::lower::{self, LinkTarget, LowerOptions};

/// How hard Cranelift tries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Effort {
    /// Few optimisations, for code that is barely worth compiling.
    Quick,
    /// Everything.
    #[default]
    Best,
}

/// Why a region could not be compiled. Always a defect of ours or a limit: the region stays in tier 0.
#[derive(Debug)]
pub struct CompileError(pub String);

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "cannot compile a region: {}", self.0)
    }
}

impl std::error::Error for CompileError {}

/// A place in the code that holds the distance to a link: 4 bytes, relative to the place itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkReloc {
    /// Offset in the code.
    pub offset: u32,
    /// Which of the region's links.
    pub link: u32,
    /// Added to the link's address.
    pub addend: i64,
}

/// A compiled region, still without a place in memory.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Guest address of the entry.
    pub pc: u64,
    /// Host code with constants; position independent but for `relocs`.
    pub code: Vec<u8>,
    /// Places to fill in when the code's and the links' addresses are known.
    pub relocs: Vec<LinkReloc>,
    /// Targets of the links.
    pub links: Vec<LinkTarget>,
    /// Host offsets to guest pcs.
    pub faults: FaultMap,
    /// Guest code that was translated: `(start, end)` of each block.
    pub guest: Vec<(u64, u64)>,
    /// Number of guest instructions.
    pub guest_insns: u32,
    /// The region's image base, if guest addresses in the code are distances from it.
    pub image_base: Option<u64>,
}

/// Compiles regions. One per thread that compiles; keeps Cranelift's scratch memory between regions.
pub struct Compiler {
    isa: Arc<dyn TargetIsa>,
    options: LowerOptions,
    context: ClContext,
    builder: FunctionBuilderContext,
    verify: bool,
}

fn make_isa(effort: Effort, host: HostFeatures) -> Result<Arc<dyn TargetIsa>, String> {
    let mut flags = settings::builder();
    let optimise = effort == Effort::Best;
    for (name, value) in [
        ("opt_level", if optimise { "speed" } else { "none" }),
        ("regalloc_algorithm", if optimise { "backtracking" } else { "single_pass" }),
        // The tail convention demands it on x86-64.
        ("preserve_frame_pointers", "true"),
        ("enable_verifier", "false"),
        ("unwind_info", "false"),
        ("enable_probestack", "false"),
        ("enable_heap_access_spectre_mitigation", "false"),
        ("enable_table_access_spectre_mitigation", "false"),
        ("is_pic", "true"),
    ] {
        flags.set(name, value).map_err(|e| format!("{name}: {e}"))?;
    }
    let mut builder = cranelift_native::builder().map_err(str::to_owned)?;
    for name in host.missing() {
        builder.set(name, "false").map_err(|e| format!("{name}: {e}"))?;
    }
    builder.finish(settings::Flags::new(flags)).map_err(|e| e.to_string())
}

/// The features of this host that Cranelift and lowering make use of, as text.
pub fn host_features() -> String {
    macro_rules! detected {
        ($($name:tt)*) => { [$(($name, std::arch::is_x86_feature_detected!($name))),*] };
    }
    let all = detected!(
        "sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "avx" "avx2" "fma" "f16c" "bmi1" "bmi2" "lzcnt" "cmpxchg16b" "avx512bitalg"
        "avx512dq" "avx512f" "avx512vbmi" "avx512vl"
    );
    all.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

impl Compiler {
    /// Makes a compiler for this host.
    pub fn new(options: LowerOptions, effort: Effort, verify: bool) -> Result<Compiler, CompileError> {
        let isa = make_isa(effort, options.host).map_err(CompileError)?;
        Ok(Compiler { isa, options, context: ClContext::new(), builder: FunctionBuilderContext::new(), verify })
    }

    /// The region as CLIF text.
    pub fn clif(&mut self, region: &Region) -> String {
        let mut func = Function::new();
        lower::lower(region, self.options, self.isa.frontend_config(), &mut func, &mut self.builder);
        func.display().to_string()
    }

    /// Compiles a region.
    pub fn compile(&mut self, region: &Region) -> Result<Compiled, CompileError> {
        self.context.clear();
        let config = self.isa.frontend_config();
        let lowered = lower::lower(region, self.options, config, &mut self.context.func, &mut self.builder);
        if self.verify {
            self.context.verify(&*self.isa).map_err(|e| CompileError(e.to_string()))?;
        }
        let mut control = ControlPlane::default();
        self.context.compile(&*self.isa, &mut control).map_err(|e| CompileError(format!("{:?}", e.inner)))?;
        let compiled = self.context.compiled_code().ok_or_else(|| CompileError("no code".into()))?;
        let buffer = &compiled.buffer;
        let mut code = buffer.data().to_vec();
        let faults = FaultMap::new(region.pc(), buffer.get_srclocs_sorted().iter().map(|r| (r.start, r.end, r.loc.bits())));
        let names = &self.context.func.params;
        let relocs = buffer
            .relocs()
            .iter()
            .map(|r| match (&r.target, r.kind) {
                // A load from a table of addresses becomes the address itself, `mov` to `lea`, as linkers relax it.
                (FinalizedRelocTarget::ExternalName(ExternalName::User(name)), Reloc::X86GOTPCRel4)
                    if code[r.offset as usize - 2] == 0x8b =>
                {
                    code[r.offset as usize - 2] = 0x8d;
                    Ok(LinkReloc { offset: r.offset, link: names.user_named_funcs()[*name].index, addend: r.addend })
                }
                (FinalizedRelocTarget::ExternalName(ExternalName::User(name)), Reloc::X86PCRel4 | Reloc::X86CallPCRel4) => {
                    Ok(LinkReloc { offset: r.offset, link: names.user_named_funcs()[*name].index, addend: r.addend })
                }
                other => Err(CompileError(format!("unexpected relocation {other:?}"))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Compiled {
            pc: region.pc(),
            code,
            relocs,
            links: lowered.links,
            faults,
            guest: region.blocks.iter().map(|b| (b.pc, b.end)).collect(),
            guest_insns: region.guest_insns() as u32,
            image_base: region.image_base,
        })
    }
}
