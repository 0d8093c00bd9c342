//! The table of riscv64 instructions, in the order of the unprivileged manual's chapters.
//!
//! A row is the instruction's name, its bits from the most significant (letters as in [`Format`]), its format, how it
//! takes part in translation, its body in `semantics`, and the field values that make the word another instruction's
//! or reserved. Fields that the manual has fixed are fixed here. Reserved rounding modes 5 and 6 are excepted where a
//! row has a mode.
//!
//! The build fails if a row is malformed ([`Row::new`]) or if two rows match one word (`super::decode`).

use mynah_ir::Build;

use super::extension::{Extension, ExtensionSet};
use super::format::Format;
use super::row::{Class, Needs, Row, except, rows};
use super::semantics::{self, Body, WrapBody};

rows! {
    "RV64I: base integer instructions" [I] {
        "lui"        "iiiiiiiiiiiiiiiiiiii ddddd 0110111"       U Plain integer::lui;
        "auipc"      "iiiiiiiiiiiiiiiiiiii ddddd 0010111"       U Plain integer::auipc;
        "jal"        "iiiiiiiiiiiiiiiiiiii ddddd 1101111"       J EndsBlock control::jal;
        "jalr"       "iiiiiiiiiiii sssss 000 ddddd 1100111"     Jalr EndsBlock control::jalr;
        "beq"        "iiiiiii ttttt sssss 000 iiiii 1100011"    B EndsBlock control::beq;
        "bne"        "iiiiiii ttttt sssss 001 iiiii 1100011"    B EndsBlock control::bne;
        "blt"        "iiiiiii ttttt sssss 100 iiiii 1100011"    B EndsBlock control::blt;
        "bge"        "iiiiiii ttttt sssss 101 iiiii 1100011"    B EndsBlock control::bge;
        "bltu"       "iiiiiii ttttt sssss 110 iiiii 1100011"    B EndsBlock control::bltu;
        "bgeu"       "iiiiiii ttttt sssss 111 iiiii 1100011"    B EndsBlock control::bgeu;
        "lb"         "iiiiiiiiiiii sssss 000 ddddd 0000011"     Load Plain memory::lb;
        "lh"         "iiiiiiiiiiii sssss 001 ddddd 0000011"     Load Plain memory::lh;
        "lw"         "iiiiiiiiiiii sssss 010 ddddd 0000011"     Load Plain memory::lw;
        "ld"         "iiiiiiiiiiii sssss 011 ddddd 0000011"     Load Plain memory::ld;
        "lbu"        "iiiiiiiiiiii sssss 100 ddddd 0000011"     Load Plain memory::lbu;
        "lhu"        "iiiiiiiiiiii sssss 101 ddddd 0000011"     Load Plain memory::lhu;
        "lwu"        "iiiiiiiiiiii sssss 110 ddddd 0000011"     Load Plain memory::lwu;
        "sb"         "iiiiiii ttttt sssss 000 iiiii 0100011"    Store Plain memory::sb;
        "sh"         "iiiiiii ttttt sssss 001 iiiii 0100011"    Store Plain memory::sh;
        "sw"         "iiiiiii ttttt sssss 010 iiiii 0100011"    Store Plain memory::sw;
        "sd"         "iiiiiii ttttt sssss 011 iiiii 0100011"    Store Plain memory::sd;
        "addi"       "iiiiiiiiiiii sssss 000 ddddd 0010011"     I Plain integer::addi;
        "slti"       "iiiiiiiiiiii sssss 010 ddddd 0010011"     I Plain integer::slti;
        "sltiu"      "iiiiiiiiiiii sssss 011 ddddd 0010011"     I Plain integer::sltiu;
        "xori"       "iiiiiiiiiiii sssss 100 ddddd 0010011"     I Plain integer::xori;
        "ori"        "iiiiiiiiiiii sssss 110 ddddd 0010011"     I Plain integer::ori;
        "andi"       "iiiiiiiiiiii sssss 111 ddddd 0010011"     I Plain integer::andi;
        "slli"       "000000 iiiiii sssss 001 ddddd 0010011"    Shift Plain integer::slli;
        "srli"       "000000 iiiiii sssss 101 ddddd 0010011"    Shift Plain integer::srli;
        "srai"       "010000 iiiiii sssss 101 ddddd 0010011"    Shift Plain integer::srai;
        "add"        "0000000 ttttt sssss 000 ddddd 0110011"    R Plain integer::add;
        "sub"        "0100000 ttttt sssss 000 ddddd 0110011"    R Plain integer::sub;
        "sll"        "0000000 ttttt sssss 001 ddddd 0110011"    R Plain integer::sll;
        "slt"        "0000000 ttttt sssss 010 ddddd 0110011"    R Plain integer::slt;
        "sltu"       "0000000 ttttt sssss 011 ddddd 0110011"    R Plain integer::sltu;
        "xor"        "0000000 ttttt sssss 100 ddddd 0110011"    R Plain integer::xor;
        "srl"        "0000000 ttttt sssss 101 ddddd 0110011"    R Plain integer::srl;
        "sra"        "0100000 ttttt sssss 101 ddddd 0110011"    R Plain integer::sra;
        "or"         "0000000 ttttt sssss 110 ddddd 0110011"    R Plain integer::or;
        "and"        "0000000 ttttt sssss 111 ddddd 0110011"    R Plain integer::and;
        "addiw"      "iiiiiiiiiiii sssss 000 ddddd 0011011"     I Plain integer::addiw;
        "slliw"      "000000 0iiiii sssss 001 ddddd 0011011"    Shift Plain integer::slliw;
        "srliw"      "000000 0iiiii sssss 101 ddddd 0011011"    Shift Plain integer::srliw;
        "sraiw"      "010000 0iiiii sssss 101 ddddd 0011011"    Shift Plain integer::sraiw;
        "addw"       "0000000 ttttt sssss 000 ddddd 0111011"    R Plain integer::addw;
        "subw"       "0100000 ttttt sssss 000 ddddd 0111011"    R Plain integer::subw;
        "sllw"       "0000000 ttttt sssss 001 ddddd 0111011"    R Plain integer::sllw;
        "srlw"       "0000000 ttttt sssss 101 ddddd 0111011"    R Plain integer::srlw;
        "sraw"       "0100000 ttttt sssss 101 ddddd 0111011"    R Plain integer::sraw;
        // Reserved fence modes execute as ordinary fences, and rs1 and rd are ignored.
        "fence"      "iiiiiiiiiiii nnnnn 000 nnnnn 0001111"     Fence Plain system::fence;
        "ecall"      "000000000000 00000 000 00000 1110011"     Bare EndsBlock system::ecall;
        "ebreak"     "000000000001 00000 000 00000 1110011"     Bare EndsBlock system::ebreak;
    }

    "Zifencei: instruction-fetch fence" [Zifencei] {
        "fence.i"    "nnnnnnnnnnnn nnnnn 001 nnnnn 0001111"     FenceI EndsBlock system::fence_i;
    }

    "Zicsr: control and status register instructions" [Zicsr] {
        "csrrw"      "iiiiiiiiiiii sssss 001 ddddd 1110011"     Csr Csr zicsr::csrrw;
        "csrrs"      "iiiiiiiiiiii sssss 010 ddddd 1110011"     Csr Csr zicsr::csrrs;
        "csrrc"      "iiiiiiiiiiii sssss 011 ddddd 1110011"     Csr Csr zicsr::csrrc;
        "csrrwi"     "iiiiiiiiiiii sssss 101 ddddd 1110011"     CsrImm Csr zicsr::csrrwi;
        "csrrsi"     "iiiiiiiiiiii sssss 110 ddddd 1110011"     CsrImm Csr zicsr::csrrsi;
        "csrrci"     "iiiiiiiiiiii sssss 111 ddddd 1110011"     CsrImm Csr zicsr::csrrci;
    }

    "Zicntr: base counters and timers" [Zicntr] {
        "rdcycle"    "110000000000 00000 010 ddddd 1110011"     CsrRead Within("csrrs");
        "rdtime"     "110000000001 00000 010 ddddd 1110011"     CsrRead Within("csrrs");
        "rdinstret"  "110000000010 00000 010 ddddd 1110011"     CsrRead Within("csrrs");
    }

    // The 29 counters read as 0, which the manual allows for unimplemented events.
    "Zihpm: hardware performance counters" [Zihpm] {
        "rdhpmcounter3" "110000000011 00000 010 ddddd 1110011"  CsrRead Within("csrrs");
    }

    "Zihintntl: non-temporal locality hints" [Zihintntl] {
        "ntl.p1"     "0000000 00010 00000 000 00000 0110011"    Bare Within("add");
        "ntl.pall"   "0000000 00011 00000 000 00000 0110011"    Bare Within("add");
        "ntl.s1"     "0000000 00100 00000 000 00000 0110011"    Bare Within("add");
        "ntl.all"    "0000000 00101 00000 000 00000 0110011"    Bare Within("add");
        "c.ntl.p1"   "100 1 00000 00010 10"                     CBare Within("c.add");
        "c.ntl.pall" "100 1 00000 00011 10"                     CBare Within("c.add");
        "c.ntl.s1"   "100 1 00000 00100 10"                     CBare Within("c.add");
        "c.ntl.all"  "100 1 00000 00101 10"                     CBare Within("c.add");
    }

    "Zihintpause: pause hint" [Zihintpause] {
        "pause"      "000000010000 00000 000 00000 0001111"     Bare Within("fence");
    }

    "Zimop: may-be-operations" [Zimop] {
        "mop.r"      "1i00ii0111ii sssss 100 ddddd 1110011"     Mop Plain integer::mop;
        "mop.rr"     "1i00ii1 ttttt sssss 100 ddddd 1110011"    MopRR Plain integer::mop;
    }

    "Zcmop: compressed may-be-operations" [Zcmop] {
        "c.mop"      "011 0 0 iii 1 00000 01"                   CMop Plain integer::nop;
    }

    "Zicond: integer conditional operations" [Zicond] {
        "czero.eqz"  "0000111 ttttt sssss 101 ddddd 0110011"    R Plain integer::czero_eqz;
        "czero.nez"  "0000111 ttttt sssss 111 ddddd 0110011"    R Plain integer::czero_nez;
    }

    "M: integer multiplication and division" [M] {
        "mul"        "0000001 ttttt sssss 000 ddddd 0110011"    R Plain multiply::mul;
        "mulh"       "0000001 ttttt sssss 001 ddddd 0110011"    R Plain multiply::mulh;
        "mulhsu"     "0000001 ttttt sssss 010 ddddd 0110011"    R Plain multiply::mulhsu;
        "mulhu"      "0000001 ttttt sssss 011 ddddd 0110011"    R Plain multiply::mulhu;
        "div"        "0000001 ttttt sssss 100 ddddd 0110011"    R Plain multiply::div;
        "divu"       "0000001 ttttt sssss 101 ddddd 0110011"    R Plain multiply::divu;
        "rem"        "0000001 ttttt sssss 110 ddddd 0110011"    R Plain multiply::rem;
        "remu"       "0000001 ttttt sssss 111 ddddd 0110011"    R Plain multiply::remu;
        "mulw"       "0000001 ttttt sssss 000 ddddd 0111011"    R Plain multiply::mulw;
        "divw"       "0000001 ttttt sssss 100 ddddd 0111011"    R Plain multiply::divw;
        "divuw"      "0000001 ttttt sssss 101 ddddd 0111011"    R Plain multiply::divuw;
        "remw"       "0000001 ttttt sssss 110 ddddd 0111011"    R Plain multiply::remw;
        "remuw"      "0000001 ttttt sssss 111 ddddd 0111011"    R Plain multiply::remuw;
    }

    "Zalrsc: load-reserved and store-conditional" [Zalrsc] {
        "lr.w"       "00010qq 00000 sssss 010 ddddd 0101111"    Lr Plain atomic::lr_w;
        "lr.d"       "00010qq 00000 sssss 011 ddddd 0101111"    Lr Plain atomic::lr_d;
        "sc.w"       "00011qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::sc_w;
        "sc.d"       "00011qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::sc_d;
    }

    "Zaamo: atomic memory operations" [Zaamo] {
        "amoswap.w"  "00001qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amoswap_w;
        "amoadd.w"   "00000qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amoadd_w;
        "amoxor.w"   "00100qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amoxor_w;
        "amoand.w"   "01100qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amoand_w;
        "amoor.w"    "01000qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amoor_w;
        "amomin.w"   "10000qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amomin_w;
        "amomax.w"   "10100qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amomax_w;
        "amominu.w"  "11000qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amominu_w;
        "amomaxu.w"  "11100qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amomaxu_w;
        "amoswap.d"  "00001qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amoswap_d;
        "amoadd.d"   "00000qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amoadd_d;
        "amoxor.d"   "00100qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amoxor_d;
        "amoand.d"   "01100qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amoand_d;
        "amoor.d"    "01000qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amoor_d;
        "amomin.d"   "10000qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amomin_d;
        "amomax.d"   "10100qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amomax_d;
        "amominu.d"  "11000qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amominu_d;
        "amomaxu.d"  "11100qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amomaxu_d;
    }

    "Zawrs: wait on reservation set" [Zawrs] {
        "wrs.nto"    "000000001101 00000 000 00000 1110011"     Bare Plain integer::nop;
        "wrs.sto"    "000000011101 00000 000 00000 1110011"     Bare Plain integer::nop;
    }

    "Zacas: atomic compare-and-swap" [Zacas] {
        "amocas.w"   "00101qq ttttt sssss 010 ddddd 0101111"    Amo Plain atomic::amocas_w;
        "amocas.d"   "00101qq ttttt sssss 011 ddddd 0101111"    Amo Plain atomic::amocas_d;
        // Odd registers are reserved.
        "amocas.q"   "00101qq tttt0 sssss 100 dddd0 0101111"    Amo Tier0 atomic::amocas_q;
    }

    "Zabha: byte and halfword atomic memory operations" [Zabha] {
        "amoswap.b"  "00001qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amoswap_b;
        "amoadd.b"   "00000qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amoadd_b;
        "amoxor.b"   "00100qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amoxor_b;
        "amoand.b"   "01100qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amoand_b;
        "amoor.b"    "01000qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amoor_b;
        "amomin.b"   "10000qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amomin_b;
        "amomax.b"   "10100qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amomax_b;
        "amominu.b"  "11000qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amominu_b;
        "amomaxu.b"  "11100qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amomaxu_b;
        "amoswap.h"  "00001qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amoswap_h;
        "amoadd.h"   "00000qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amoadd_h;
        "amoxor.h"   "00100qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amoxor_h;
        "amoand.h"   "01100qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amoand_h;
        "amoor.h"    "01000qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amoor_h;
        "amomin.h"   "10000qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amomin_h;
        "amomax.h"   "10100qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amomax_h;
        "amominu.h"  "11000qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amominu_h;
        "amomaxu.h"  "11100qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amomaxu_h;
    }

    "Zabha and Zacas: byte and halfword compare-and-swap" [Zabha & Zacas] {
        "amocas.b"   "00101qq ttttt sssss 000 ddddd 0101111"    Amo Plain atomic::amocas_b;
        "amocas.h"   "00101qq ttttt sssss 001 ddddd 0101111"    Amo Plain atomic::amocas_h;
    }

    "Zicbom: cache-block management" [Zicbom] {
        // Linux lets user mode clean and flush, but not invalidate (senvcfg.CBIE stays 0): an illegal instruction.
        "cbo.inval"  "000000000000 sssss 010 00000 0001111"     Cbo Plain system::illegal;
        "cbo.clean"  "000000000001 sssss 010 00000 0001111"     Cbo Plain integer::nop;
        "cbo.flush"  "000000000010 sssss 010 00000 0001111"     Cbo Plain integer::nop;
    }

    "Zicboz: cache-block zero" [Zicboz] {
        "cbo.zero"   "000000000100 sssss 010 00000 0001111"     Cbo Plain memory::cbo_zero;
    }

    "Zicbop: cache-block prefetch" [Zicbop] {
        "prefetch.i" "iiiiiii 00000 sssss 110 00000 0010011"    Prefetch Within("ori");
        "prefetch.r" "iiiiiii 00001 sssss 110 00000 0010011"    Prefetch Within("ori");
        "prefetch.w" "iiiiiii 00011 sssss 110 00000 0010011"    Prefetch Within("ori");
    }

    "F: single-precision floating point" [F] {
        "flw"        "iiiiiiiiiiii sssss 010 ddddd 0000111"     FLoad Plain float::flw;
        "fsw"        "iiiiiii ttttt sssss 010 iiiii 0100111"    FStore Plain float::fsw;
        "fmadd.s"    "uuuuu00 ttttt sssss mmm ddddd 1000011"    F4 Plain float::fmadd_s [m != 5, m != 6];
        "fmsub.s"    "uuuuu00 ttttt sssss mmm ddddd 1000111"    F4 Plain float::fmsub_s [m != 5, m != 6];
        "fnmsub.s"   "uuuuu00 ttttt sssss mmm ddddd 1001011"    F4 Plain float::fnmsub_s [m != 5, m != 6];
        "fnmadd.s"   "uuuuu00 ttttt sssss mmm ddddd 1001111"    F4 Plain float::fnmadd_s [m != 5, m != 6];
        "fadd.s"     "0000000 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fadd_s [m != 5, m != 6];
        "fsub.s"     "0000100 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fsub_s [m != 5, m != 6];
        "fmul.s"     "0001000 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fmul_s [m != 5, m != 6];
        "fdiv.s"     "0001100 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fdiv_s [m != 5, m != 6];
        "fsqrt.s"    "0101100 00000 sssss mmm ddddd 1010011"    F2 Plain float::fsqrt_s [m != 5, m != 6];
        "fsgnj.s"    "0010000 ttttt sssss 000 ddddd 1010011"    F3NoRm Plain float::fsgnj_s;
        "fsgnjn.s"   "0010000 ttttt sssss 001 ddddd 1010011"    F3NoRm Plain float::fsgnjn_s;
        "fsgnjx.s"   "0010000 ttttt sssss 010 ddddd 1010011"    F3NoRm Plain float::fsgnjx_s;
        "fmin.s"     "0010100 ttttt sssss 000 ddddd 1010011"    F3NoRm Plain float::fmin_s;
        "fmax.s"     "0010100 ttttt sssss 001 ddddd 1010011"    F3NoRm Plain float::fmax_s;
        "fcvt.w.s"   "1100000 00000 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_w_s [m != 5, m != 6];
        "fcvt.wu.s"  "1100000 00001 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_wu_s [m != 5, m != 6];
        "fcvt.l.s"   "1100000 00010 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_l_s [m != 5, m != 6];
        "fcvt.lu.s"  "1100000 00011 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_lu_s [m != 5, m != 6];
        "fmv.x.w"    "1110000 00000 sssss 000 ddddd 1010011"    FToXNoRm Plain float::fmv_x_w;
        "feq.s"      "1010000 ttttt sssss 010 ddddd 1010011"    FCompare Plain float::feq_s;
        "flt.s"      "1010000 ttttt sssss 001 ddddd 1010011"    FCompare Plain float::flt_s;
        "fle.s"      "1010000 ttttt sssss 000 ddddd 1010011"    FCompare Plain float::fle_s;
        "fclass.s"   "1110000 00000 sssss 001 ddddd 1010011"    FToXNoRm Plain float::fclass_s;
        "fcvt.s.w"   "1101000 00000 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_s_w [m != 5, m != 6];
        "fcvt.s.wu"  "1101000 00001 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_s_wu [m != 5, m != 6];
        "fcvt.s.l"   "1101000 00010 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_s_l [m != 5, m != 6];
        "fcvt.s.lu"  "1101000 00011 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_s_lu [m != 5, m != 6];
        "fmv.w.x"    "1111000 00000 sssss 000 ddddd 1010011"    XToFNoRm Plain float::fmv_w_x;
    }

    "D: double-precision floating point" [D] {
        "fld"        "iiiiiiiiiiii sssss 011 ddddd 0000111"     FLoad Plain float::fld;
        "fsd"        "iiiiiii ttttt sssss 011 iiiii 0100111"    FStore Plain float::fsd;
        "fmadd.d"    "uuuuu01 ttttt sssss mmm ddddd 1000011"    F4 Plain float::fmadd_d [m != 5, m != 6];
        "fmsub.d"    "uuuuu01 ttttt sssss mmm ddddd 1000111"    F4 Plain float::fmsub_d [m != 5, m != 6];
        "fnmsub.d"   "uuuuu01 ttttt sssss mmm ddddd 1001011"    F4 Plain float::fnmsub_d [m != 5, m != 6];
        "fnmadd.d"   "uuuuu01 ttttt sssss mmm ddddd 1001111"    F4 Plain float::fnmadd_d [m != 5, m != 6];
        "fadd.d"     "0000001 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fadd_d [m != 5, m != 6];
        "fsub.d"     "0000101 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fsub_d [m != 5, m != 6];
        "fmul.d"     "0001001 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fmul_d [m != 5, m != 6];
        "fdiv.d"     "0001101 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fdiv_d [m != 5, m != 6];
        "fsqrt.d"    "0101101 00000 sssss mmm ddddd 1010011"    F2 Plain float::fsqrt_d [m != 5, m != 6];
        "fsgnj.d"    "0010001 ttttt sssss 000 ddddd 1010011"    F3NoRm Plain float::fsgnj_d;
        "fsgnjn.d"   "0010001 ttttt sssss 001 ddddd 1010011"    F3NoRm Plain float::fsgnjn_d;
        "fsgnjx.d"   "0010001 ttttt sssss 010 ddddd 1010011"    F3NoRm Plain float::fsgnjx_d;
        "fmin.d"     "0010101 ttttt sssss 000 ddddd 1010011"    F3NoRm Plain float::fmin_d;
        "fmax.d"     "0010101 ttttt sssss 001 ddddd 1010011"    F3NoRm Plain float::fmax_d;
        "fcvt.s.d"   "0100000 00001 sssss mmm ddddd 1010011"    F2 Plain float::fcvt_s_d [m != 5, m != 6];
        "fcvt.d.s"   "0100001 00000 sssss mmm ddddd 1010011"    F2Exact Plain float::fcvt_d_s [m != 5, m != 6];
        "feq.d"      "1010001 ttttt sssss 010 ddddd 1010011"    FCompare Plain float::feq_d;
        "flt.d"      "1010001 ttttt sssss 001 ddddd 1010011"    FCompare Plain float::flt_d;
        "fle.d"      "1010001 ttttt sssss 000 ddddd 1010011"    FCompare Plain float::fle_d;
        "fclass.d"   "1110001 00000 sssss 001 ddddd 1010011"    FToXNoRm Plain float::fclass_d;
        "fcvt.w.d"   "1100001 00000 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_w_d [m != 5, m != 6];
        "fcvt.wu.d"  "1100001 00001 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_wu_d [m != 5, m != 6];
        "fcvt.l.d"   "1100001 00010 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_l_d [m != 5, m != 6];
        "fcvt.lu.d"  "1100001 00011 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_lu_d [m != 5, m != 6];
        "fmv.x.d"    "1110001 00000 sssss 000 ddddd 1010011"    FToXNoRm Plain float::fmv_x_d;
        "fcvt.d.w"   "1101001 00000 sssss mmm ddddd 1010011"    XToFExact Plain float::fcvt_d_w [m != 5, m != 6];
        "fcvt.d.wu"  "1101001 00001 sssss mmm ddddd 1010011"    XToFExact Plain float::fcvt_d_wu [m != 5, m != 6];
        "fcvt.d.l"   "1101001 00010 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_d_l [m != 5, m != 6];
        "fcvt.d.lu"  "1101001 00011 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_d_lu [m != 5, m != 6];
        "fmv.d.x"    "1111001 00000 sssss 000 ddddd 1010011"    XToFNoRm Plain float::fmv_d_x;
    }

    "Zfhmin: minimal half-precision floating point" [Zfhmin] {
        "flh"        "iiiiiiiiiiii sssss 001 ddddd 0000111"     FLoad Plain float::flh;
        "fsh"        "iiiiiii ttttt sssss 001 iiiii 0100111"    FStore Plain float::fsh;
        "fmv.x.h"    "1110010 00000 sssss 000 ddddd 1010011"    FToXNoRm Plain float::fmv_x_h;
        "fmv.h.x"    "1111010 00000 sssss 000 ddddd 1010011"    XToFNoRm Plain float::fmv_h_x;
        "fcvt.s.h"   "0100000 00010 sssss mmm ddddd 1010011"    F2Exact Plain float::fcvt_s_h [m != 5, m != 6];
        "fcvt.h.s"   "0100010 00000 sssss mmm ddddd 1010011"    F2 Plain float::fcvt_h_s [m != 5, m != 6];
    }

    "Zfhmin and D: half to double precision" [Zfhmin & D] {
        "fcvt.d.h"   "0100001 00010 sssss mmm ddddd 1010011"    F2Exact Plain float::fcvt_d_h [m != 5, m != 6];
        "fcvt.h.d"   "0100010 00001 sssss mmm ddddd 1010011"    F2 Plain float::fcvt_h_d [m != 5, m != 6];
    }

    "Zfh: half-precision floating point" [Zfh] {
        "fmadd.h"    "uuuuu10 ttttt sssss mmm ddddd 1000011"    F4 Plain float::fmadd_h [m != 5, m != 6];
        "fmsub.h"    "uuuuu10 ttttt sssss mmm ddddd 1000111"    F4 Plain float::fmsub_h [m != 5, m != 6];
        "fnmsub.h"   "uuuuu10 ttttt sssss mmm ddddd 1001011"    F4 Plain float::fnmsub_h [m != 5, m != 6];
        "fnmadd.h"   "uuuuu10 ttttt sssss mmm ddddd 1001111"    F4 Plain float::fnmadd_h [m != 5, m != 6];
        "fadd.h"     "0000010 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fadd_h [m != 5, m != 6];
        "fsub.h"     "0000110 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fsub_h [m != 5, m != 6];
        "fmul.h"     "0001010 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fmul_h [m != 5, m != 6];
        "fdiv.h"     "0001110 ttttt sssss mmm ddddd 1010011"    F3 Plain float::fdiv_h [m != 5, m != 6];
        "fsqrt.h"    "0101110 00000 sssss mmm ddddd 1010011"    F2 Plain float::fsqrt_h [m != 5, m != 6];
        "fsgnj.h"    "0010010 ttttt sssss 000 ddddd 1010011"    F3NoRm Plain float::fsgnj_h;
        "fsgnjn.h"   "0010010 ttttt sssss 001 ddddd 1010011"    F3NoRm Plain float::fsgnjn_h;
        "fsgnjx.h"   "0010010 ttttt sssss 010 ddddd 1010011"    F3NoRm Plain float::fsgnjx_h;
        "fmin.h"     "0010110 ttttt sssss 000 ddddd 1010011"    F3NoRm Plain float::fmin_h;
        "fmax.h"     "0010110 ttttt sssss 001 ddddd 1010011"    F3NoRm Plain float::fmax_h;
        "feq.h"      "1010010 ttttt sssss 010 ddddd 1010011"    FCompare Plain float::feq_h;
        "flt.h"      "1010010 ttttt sssss 001 ddddd 1010011"    FCompare Plain float::flt_h;
        "fle.h"      "1010010 ttttt sssss 000 ddddd 1010011"    FCompare Plain float::fle_h;
        "fclass.h"   "1110010 00000 sssss 001 ddddd 1010011"    FToXNoRm Plain float::fclass_h;
        "fcvt.w.h"   "1100010 00000 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_w_h [m != 5, m != 6];
        "fcvt.wu.h"  "1100010 00001 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_wu_h [m != 5, m != 6];
        "fcvt.l.h"   "1100010 00010 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_l_h [m != 5, m != 6];
        "fcvt.lu.h"  "1100010 00011 sssss mmm ddddd 1010011"    FToX Plain float::fcvt_lu_h [m != 5, m != 6];
        "fcvt.h.w"   "1101010 00000 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_h_w [m != 5, m != 6];
        "fcvt.h.wu"  "1101010 00001 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_h_wu [m != 5, m != 6];
        "fcvt.h.l"   "1101010 00010 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_h_l [m != 5, m != 6];
        "fcvt.h.lu"  "1101010 00011 sssss mmm ddddd 1010011"    XToF Plain float::fcvt_h_lu [m != 5, m != 6];
    }

    "Zfbfmin: scalar conversions of bfloat16" [Zfbfmin] {
        "fcvt.bf16.s" "0100010 01000 sssss mmm ddddd 1010011"   F2 Plain float::fcvt_bf16_s [m != 5, m != 6];
        "fcvt.s.bf16" "0100000 00110 sssss mmm ddddd 1010011"   F2Exact Plain float::fcvt_s_bf16 [m != 5, m != 6];
    }

    "Zfa: additional floating point, single precision" [Zfa] {
        "fli.s"      "1111000 00001 sssss 000 ddddd 1010011"    Fli Plain float::fli_s;
        "fminm.s"    "0010100 ttttt sssss 010 ddddd 1010011"    F3NoRm Plain float::fminm_s;
        "fmaxm.s"    "0010100 ttttt sssss 011 ddddd 1010011"    F3NoRm Plain float::fmaxm_s;
        "fround.s"   "0100000 00100 sssss mmm ddddd 1010011"    F2 Plain float::fround_s [m != 5, m != 6];
        "froundnx.s" "0100000 00101 sssss mmm ddddd 1010011"    F2 Plain float::froundnx_s [m != 5, m != 6];
        "fltq.s"     "1010000 ttttt sssss 101 ddddd 1010011"    FCompare Plain float::fltq_s;
        "fleq.s"     "1010000 ttttt sssss 100 ddddd 1010011"    FCompare Plain float::fleq_s;
    }

    "Zfa and D: additional floating point, double precision" [Zfa & D] {
        "fli.d"      "1111001 00001 sssss 000 ddddd 1010011"    Fli Plain float::fli_d;
        "fminm.d"    "0010101 ttttt sssss 010 ddddd 1010011"    F3NoRm Plain float::fminm_d;
        "fmaxm.d"    "0010101 ttttt sssss 011 ddddd 1010011"    F3NoRm Plain float::fmaxm_d;
        "fround.d"   "0100001 00100 sssss mmm ddddd 1010011"    F2 Plain float::fround_d [m != 5, m != 6];
        "froundnx.d" "0100001 00101 sssss mmm ddddd 1010011"    F2 Plain float::froundnx_d [m != 5, m != 6];
        "fltq.d"     "1010001 ttttt sssss 101 ddddd 1010011"    FCompare Plain float::fltq_d;
        "fleq.d"     "1010001 ttttt sssss 100 ddddd 1010011"    FCompare Plain float::fleq_d;
        "fcvtmod.w.d" "1100001 01000 sssss 001 ddddd 1010011"   FToX Plain float::fcvtmod_w_d;
    }

    "Zfa and Zfh: additional floating point, half precision" [Zfa & Zfh] {
        "fminm.h"    "0010110 ttttt sssss 010 ddddd 1010011"    F3NoRm Plain float::fminm_h;
        "fmaxm.h"    "0010110 ttttt sssss 011 ddddd 1010011"    F3NoRm Plain float::fmaxm_h;
        "fround.h"   "0100010 00100 sssss mmm ddddd 1010011"    F2 Plain float::fround_h [m != 5, m != 6];
        "froundnx.h" "0100010 00101 sssss mmm ddddd 1010011"    F2 Plain float::froundnx_h [m != 5, m != 6];
        "fltq.h"     "1010010 ttttt sssss 101 ddddd 1010011"    FCompare Plain float::fltq_h;
        "fleq.h"     "1010010 ttttt sssss 100 ddddd 1010011"    FCompare Plain float::fleq_h;
        // Also with Zvfh, which no CPU here has without Zfh.
        "fli.h"      "1111010 00001 sssss 000 ddddd 1010011"    Fli Plain float::fli_h;
    }

    "C: compressed instructions" [Zca] {
        "c.addi4spn" "000 iiiiiiii ddd 00"                      CIW Plain integer::addi [i != 0];
        "c.lw"       "010 iii sss ii ddd 00"                    CLW Plain memory::lw;
        "c.ld"       "011 iii sss ii ddd 00"                    CLD Plain memory::ld;
        "c.sw"       "110 iii sss ii ttt 00"                    CSW Plain memory::sw;
        "c.sd"       "111 iii sss ii ttt 00"                    CSD Plain memory::sd;
        "c.nop"      "000 i 00000 iiiii 01"                     CNop Plain integer::nop;
        "c.addi"     "000 i ddddd iiiii 01"                     CI Plain integer::addi [d != 0];
        "c.addiw"    "001 i ddddd iiiii 01"                     CI Plain integer::addiw [d != 0];
        "c.li"       "010 i ddddd iiiii 01"                     CI Plain integer::li;
        "c.addi16sp" "011 i 00010 iiiii 01"                     C16SP Plain integer::addi [i != 0];
        "c.lui"      "011 i ddddd iiiii 01"                     CLui Plain integer::lui [d != 2, i != 0];
        "c.srli"     "100 i 00 ddd iiiii 01"                    CShift Plain integer::srli;
        "c.srai"     "100 i 01 ddd iiiii 01"                    CShift Plain integer::srai;
        "c.andi"     "100 i 10 ddd iiiii 01"                    CAndi Plain integer::andi;
        "c.sub"      "100 011 ddd 00 ttt 01"                    CA Plain integer::sub;
        "c.xor"      "100 011 ddd 01 ttt 01"                    CA Plain integer::xor;
        "c.or"       "100 011 ddd 10 ttt 01"                    CA Plain integer::or;
        "c.and"      "100 011 ddd 11 ttt 01"                    CA Plain integer::and;
        "c.subw"     "100 111 ddd 00 ttt 01"                    CA Plain integer::subw;
        "c.addw"     "100 111 ddd 01 ttt 01"                    CA Plain integer::addw;
        "c.j"        "101 iiiiiiiiiii 01"                       CJ EndsBlock control::jal;
        "c.beqz"     "110 iii sss iiiii 01"                     CB EndsBlock control::beq;
        "c.bnez"     "111 iii sss iiiii 01"                     CB EndsBlock control::bne;
        "c.slli"     "000 i ddddd iiiii 10"                     CSlli Plain integer::slli;
        "c.lwsp"     "010 i ddddd iiiii 10"                     CLWSP Plain memory::lw [d != 0];
        "c.ldsp"     "011 i ddddd iiiii 10"                     CLDSP Plain memory::ld [d != 0];
        "c.jr"       "100 0 sssss 00000 10"                     CJR EndsBlock control::jalr [s != 0];
        "c.mv"       "100 0 ddddd ttttt 10"                     CMV Plain integer::mv [t != 0];
        "c.ebreak"   "100 1 00000 00000 10"                     CBare EndsBlock system::ebreak;
        "c.jalr"     "100 1 sssss 00000 10"                     CJR EndsBlock control::jalr [s != 0];
        "c.add"      "100 1 ddddd ttttt 10"                     CAdd Plain integer::add [t != 0];
        "c.swsp"     "110 iiiiii ttttt 10"                      CSWSP Plain memory::sw;
        "c.sdsp"     "111 iiiiii ttttt 10"                      CSDSP Plain memory::sd;
    }

    "C and D: compressed double-precision loads and stores" [Zcd] {
        "c.fld"      "001 iii sss ii ddd 00"                    CFLD Plain float::fld;
        "c.fsd"      "101 iii sss ii ttt 00"                    CFSD Plain float::fsd;
        "c.fldsp"    "001 i ddddd iiiii 10"                     CFLDSP Plain float::fld;
        "c.fsdsp"    "101 iiiiii ttttt 10"                      CFSDSP Plain float::fsd;
    }

    "Zcb: simple code-size saving instructions" [Zcb] {
        "c.lbu"      "100 000 sss ii ddd 00"                    CLBU Plain memory::lbu;
        "c.lhu"      "100 001 sss 0i ddd 00"                    CLH Plain memory::lhu;
        "c.lh"       "100 001 sss 1i ddd 00"                    CLH Plain memory::lh;
        "c.sb"       "100 010 sss ii ttt 00"                    CSB Plain memory::sb;
        "c.sh"       "100 011 sss 0i ttt 00"                    CSH Plain memory::sh;
        "c.zext.b"   "100 111 ddd 11 000 01"                    CU Plain bitmanip::zext_b;
        "c.not"      "100 111 ddd 11 101 01"                    CU Plain integer::not;
    }

    "Zcb and M: compressed multiplication" [Zcb & M] {
        "c.mul"      "100 111 ddd 10 ttt 01"                    CA Plain multiply::mul;
    }

    "Zcb and Zbb: compressed extensions" [Zcb & Zbb] {
        "c.sext.b"   "100 111 ddd 11 001 01"                    CU Plain bitmanip::sext_b;
        "c.zext.h"   "100 111 ddd 11 010 01"                    CU Plain bitmanip::zext_h;
        "c.sext.h"   "100 111 ddd 11 011 01"                    CU Plain bitmanip::sext_h;
    }

    "Zcb and Zba: compressed word extension" [Zcb & Zba] {
        "c.zext.w"   "100 111 ddd 11 100 01"                    CU Plain bitmanip::add_uw;
    }

    "Zba: address generation" [Zba] {
        "add.uw"     "0000100 ttttt sssss 000 ddddd 0111011"    R Plain bitmanip::add_uw;
        "sh1add"     "0010000 ttttt sssss 010 ddddd 0110011"    R Plain bitmanip::sh1add;
        "sh2add"     "0010000 ttttt sssss 100 ddddd 0110011"    R Plain bitmanip::sh2add;
        "sh3add"     "0010000 ttttt sssss 110 ddddd 0110011"    R Plain bitmanip::sh3add;
        "sh1add.uw"  "0010000 ttttt sssss 010 ddddd 0111011"    R Plain bitmanip::sh1add_uw;
        "sh2add.uw"  "0010000 ttttt sssss 100 ddddd 0111011"    R Plain bitmanip::sh2add_uw;
        "sh3add.uw"  "0010000 ttttt sssss 110 ddddd 0111011"    R Plain bitmanip::sh3add_uw;
        "slli.uw"    "000010 iiiiii sssss 001 ddddd 0011011"    Shift Plain bitmanip::slli_uw;
    }

    "Zbb: basic bit manipulation" [Zbb] {
        "clz"        "011000000000 sssss 001 ddddd 0010011"     Unary Plain bitmanip::clz;
        "ctz"        "011000000001 sssss 001 ddddd 0010011"     Unary Plain bitmanip::ctz;
        "cpop"       "011000000010 sssss 001 ddddd 0010011"     Unary Plain bitmanip::cpop;
        "sext.b"     "011000000100 sssss 001 ddddd 0010011"     Unary Plain bitmanip::sext_b;
        "sext.h"     "011000000101 sssss 001 ddddd 0010011"     Unary Plain bitmanip::sext_h;
        "clzw"       "011000000000 sssss 001 ddddd 0011011"     Unary Plain bitmanip::clzw;
        "ctzw"       "011000000001 sssss 001 ddddd 0011011"     Unary Plain bitmanip::ctzw;
        "cpopw"      "011000000010 sssss 001 ddddd 0011011"     Unary Plain bitmanip::cpopw;
        "max"        "0000101 ttttt sssss 110 ddddd 0110011"    R Plain bitmanip::max;
        "maxu"       "0000101 ttttt sssss 111 ddddd 0110011"    R Plain bitmanip::maxu;
        "min"        "0000101 ttttt sssss 100 ddddd 0110011"    R Plain bitmanip::min;
        "minu"       "0000101 ttttt sssss 101 ddddd 0110011"    R Plain bitmanip::minu;
        "orc.b"      "001010000111 sssss 101 ddddd 0010011"     Unary Plain bitmanip::orc_b;
    }

    "Zbb and Zbkb: in both" [Zbb | Zbkb] {
        "andn"       "0100000 ttttt sssss 111 ddddd 0110011"    R Plain bitmanip::andn;
        "orn"        "0100000 ttttt sssss 110 ddddd 0110011"    R Plain bitmanip::orn;
        "xnor"       "0100000 ttttt sssss 100 ddddd 0110011"    R Plain bitmanip::xnor;
        "rol"        "0110000 ttttt sssss 001 ddddd 0110011"    R Plain bitmanip::rol;
        "ror"        "0110000 ttttt sssss 101 ddddd 0110011"    R Plain bitmanip::ror;
        "rori"       "011000 iiiiii sssss 101 ddddd 0010011"    Shift Plain bitmanip::rori;
        "rolw"       "0110000 ttttt sssss 001 ddddd 0111011"    R Plain bitmanip::rolw;
        "rorw"       "0110000 ttttt sssss 101 ddddd 0111011"    R Plain bitmanip::rorw;
        "roriw"      "011000 0iiiii sssss 101 ddddd 0011011"    Shift Plain bitmanip::roriw;
        "rev8"       "011010111000 sssss 101 ddddd 0010011"     Unary Plain bitmanip::rev8;
        // In Zbkb this is `packw` with x0.
        "zext.h"     "0000100 00000 sssss 100 ddddd 0111011"    Unary Plain bitmanip::zext_h;
    }

    "Zbkb: bit manipulation for cryptography" [Zbkb] {
        "brev8"      "011010000111 sssss 101 ddddd 0010011"     Unary Plain bitmanip::brev8;
        "pack"       "0000100 ttttt sssss 100 ddddd 0110011"    R Plain bitmanip::pack;
        "packh"      "0000100 ttttt sssss 111 ddddd 0110011"    R Plain bitmanip::packh;
        "packw"      "0000100 ttttt sssss 100 ddddd 0111011"    R Plain bitmanip::packw [t != 0];
    }

    "Zbc and Zbkc: carry-less multiplication" [Zbc | Zbkc] {
        "clmul"      "0000101 ttttt sssss 001 ddddd 0110011"    R Plain bitmanip::clmul;
        "clmulh"     "0000101 ttttt sssss 011 ddddd 0110011"    R Plain bitmanip::clmulh;
    }

    "Zbc: reversed carry-less multiplication" [Zbc] {
        "clmulr"     "0000101 ttttt sssss 010 ddddd 0110011"    R Plain bitmanip::clmulr;
    }

    "Zbkx: crossbar permutations" [Zbkx] {
        "xperm4"     "0010100 ttttt sssss 010 ddddd 0110011"    R Plain bitmanip::xperm4;
        "xperm8"     "0010100 ttttt sssss 100 ddddd 0110011"    R Plain bitmanip::xperm8;
    }

    "Zbs: single-bit instructions" [Zbs] {
        "bclr"       "0100100 ttttt sssss 001 ddddd 0110011"    R Plain bitmanip::bclr;
        "bclri"      "010010 iiiiii sssss 001 ddddd 0010011"    Shift Plain bitmanip::bclri;
        "bext"       "0100100 ttttt sssss 101 ddddd 0110011"    R Plain bitmanip::bext;
        "bexti"      "010010 iiiiii sssss 101 ddddd 0010011"    Shift Plain bitmanip::bexti;
        "binv"       "0110100 ttttt sssss 001 ddddd 0110011"    R Plain bitmanip::binv;
        "binvi"      "011010 iiiiii sssss 001 ddddd 0010011"    Shift Plain bitmanip::binvi;
        "bset"       "0010100 ttttt sssss 001 ddddd 0110011"    R Plain bitmanip::bset;
        "bseti"      "001010 iiiiii sssss 001 ddddd 0010011"    Shift Plain bitmanip::bseti;
    }

    "Zknd: AES decryption" [Zknd] {
        "aes64ds"    "0011101 ttttt sssss 000 ddddd 0110011"    R Plain crypto::aes64ds;
        "aes64dsm"   "0011111 ttttt sssss 000 ddddd 0110011"    R Plain crypto::aes64dsm;
        "aes64im"    "001100000000 sssss 001 ddddd 0010011"     Unary Plain crypto::aes64im;
    }

    "Zknd and Zkne: AES key schedule" [Zknd | Zkne] {
        // Round numbers above 10 are reserved.
        "aes64ks1i"  "00110001iiii sssss 001 ddddd 0010011"     Round Plain crypto::aes64ks1i
            [i != 11, i != 12, i != 13, i != 14, i != 15];
        "aes64ks2"   "0111111 ttttt sssss 000 ddddd 0110011"    R Plain crypto::aes64ks2;
    }

    "Zkne: AES encryption" [Zkne] {
        "aes64es"    "0011001 ttttt sssss 000 ddddd 0110011"    R Plain crypto::aes64es;
        "aes64esm"   "0011011 ttttt sssss 000 ddddd 0110011"    R Plain crypto::aes64esm;
    }

    "Zknh: SHA-2" [Zknh] {
        "sha256sum0" "000100000000 sssss 001 ddddd 0010011"     Unary Plain crypto::sha256sum0;
        "sha256sum1" "000100000001 sssss 001 ddddd 0010011"     Unary Plain crypto::sha256sum1;
        "sha256sig0" "000100000010 sssss 001 ddddd 0010011"     Unary Plain crypto::sha256sig0;
        "sha256sig1" "000100000011 sssss 001 ddddd 0010011"     Unary Plain crypto::sha256sig1;
        "sha512sum0" "000100000100 sssss 001 ddddd 0010011"     Unary Plain crypto::sha512sum0;
        "sha512sum1" "000100000101 sssss 001 ddddd 0010011"     Unary Plain crypto::sha512sum1;
        "sha512sig0" "000100000110 sssss 001 ddddd 0010011"     Unary Plain crypto::sha512sig0;
        "sha512sig1" "000100000111 sssss 001 ddddd 0010011"     Unary Plain crypto::sha512sig1;
    }

    "Zksed: SM4" [Zksed] {
        "sm4ed"      "ii11000 ttttt sssss 000 ddddd 0110011"    Select Plain crypto::sm4ed;
        "sm4ks"      "ii11010 ttttt sssss 000 ddddd 0110011"    Select Plain crypto::sm4ks;
    }

    "Zksh: SM3" [Zksh] {
        "sm3p0"      "000100001000 sssss 001 ddddd 0010011"     Unary Plain crypto::sm3p0;
        "sm3p1"      "000100001001 sssss 001 ddddd 0010011"     Unary Plain crypto::sm3p1;
    }

    // One row for each group of encodings until the instructions have rows of their own.
    "V: vectors" [V] {
        "vset{i}vl{i}" "nnnnnnnnnnnnnnnnn 111 nnnnn 1010111"    Group NotYet("the vector unit is not written");
        "v*.vv"      "nnnnnnnnnnnnnnnnn 000 nnnnn 1010111"      Group NotYet("the vector unit is not written");
        "vf*.vv"     "nnnnnnnnnnnnnnnnn 001 nnnnn 1010111"      Group NotYet("the vector unit is not written");
        "vm*.vv"     "nnnnnnnnnnnnnnnnn 010 nnnnn 1010111"      Group NotYet("the vector unit is not written");
        "v*.vi"      "nnnnnnnnnnnnnnnnn 011 nnnnn 1010111"      Group NotYet("the vector unit is not written");
        "v*.vx"      "nnnnnnnnnnnnnnnnn 100 nnnnn 1010111"      Group NotYet("the vector unit is not written");
        "vf*.vf"     "nnnnnnnnnnnnnnnnn 101 nnnnn 1010111"      Group NotYet("the vector unit is not written");
        "vm*.vx"     "nnnnnnnnnnnnnnnnn 110 nnnnn 1010111"      Group NotYet("the vector unit is not written");
        "vl*8.v"     "nnnnnnnnnnnnnnnnn 000 nnnnn 0000111"      Group NotYet("the vector unit is not written");
        "vl*16.v"    "nnnnnnnnnnnnnnnnn 101 nnnnn 0000111"      Group NotYet("the vector unit is not written");
        "vl*32.v"    "nnnnnnnnnnnnnnnnn 110 nnnnn 0000111"      Group NotYet("the vector unit is not written");
        "vl*64.v"    "nnnnnnnnnnnnnnnnn 111 nnnnn 0000111"      Group NotYet("the vector unit is not written");
        "vs*8.v"     "nnnnnnnnnnnnnnnnn 000 nnnnn 0100111"      Group NotYet("the vector unit is not written");
        "vs*16.v"    "nnnnnnnnnnnnnnnnn 101 nnnnn 0100111"      Group NotYet("the vector unit is not written");
        "vs*32.v"    "nnnnnnnnnnnnnnnnn 110 nnnnn 0100111"      Group NotYet("the vector unit is not written");
        "vs*64.v"    "nnnnnnnnnnnnnnnnn 111 nnnnn 0100111"      Group NotYet("the vector unit is not written");
    }

    "Zvk: vector cryptography" [Zvkned] {
        "vaes*, vsha2*, vsm*" "nnnnnnnnnnnnnnnnn 010 nnnnn 1110111" Group NotYet("the vector unit is not written");
    }
}

/// The row of `op`, if there is one.
pub fn row(op: u16) -> Option<&'static Row> {
    ROWS.get(op as usize)
}
