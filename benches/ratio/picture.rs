//! The picture: bars of time in multiples of native, on a logarithmic scale.

use std::fmt::Write;

use crate::table::{MYNAH, NATIVE, QEMU, Report};

const WIDTH: f64 = 860.0;
/// Where the scale begins and ends, from the left.
const LEFT: f64 = 120.0;
const RIGHT: f64 = 800.0;
const TOP: f64 = 76.0;
/// Height of a program's two bars with the gap below.
const STEP: f64 = 27.0;
const BAR: f64 = 10.0;
/// Height of a group's title.
const TITLE: f64 = 30.0;
/// The left end of the scale: half of native's time.
const LEAST: f64 = 0.5;

const QEMU_COLOUR: &str = "#b9bec7";
const MYNAH_COLOUR: &str = "#2f6fd0";

/// The scale: from [`LEAST`] to `most` times native.
struct Scale {
    most: f64,
}

impl Scale {
    /// The place of a ratio, from the left.
    fn x(&self, ratio: f64) -> f64 {
        let part = (ratio.max(LEAST) / LEAST).ln() / (self.most / LEAST).ln();
        LEFT + part * (RIGHT - LEFT)
    }
}

/// The picture of all programs that compute.
pub fn svg(report: &Report) -> String {
    let ratios = report.rows.iter().flat_map(|row| [row.ratio(QEMU, NATIVE), row.ratio(MYNAH, NATIVE)]);
    let scale = Scale { most: ratios.fold(4.0, f64::max).log2().ceil().exp2() };
    let height = TOP + report.groups().map(|(_, rows)| TITLE + rows.len() as f64 * STEP).sum::<f64>() + 16.0;
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}' \
         font-family='system-ui, sans-serif' font-size='12' fill='#222'>\n\
         <rect width='{WIDTH}' height='{height}' fill='#fff'/>\n"
    );
    legend(&mut out);
    grid(&mut out, &scale, height);
    let mut y = TOP;
    for (group, rows) in report.groups() {
        let _ = writeln!(out, "<text x='12' y='{:.0}' font-weight='bold'>{}</text>", y + 19.0, group.name);
        let top = y + TITLE;
        y = top;
        for row in rows {
            let _ =
                writeln!(out, "<text x='{:.0}' y='{:.0}' text-anchor='end'>{}</text>", LEFT - 8.0, y + 14.0, row.name);
            bar(&mut out, &scale, y, row.ratio(QEMU, NATIVE), QEMU_COLOUR);
            bar(&mut out, &scale, y + BAR + 1.0, row.ratio(MYNAH, NATIVE), MYNAH_COLOUR);
            y += STEP;
        }
        // The target for the mean of the group, across all of its bars.
        let _ = writeln!(
            out,
            "<path d='M{:.1} {:.0}V{:.0}' stroke='#2a9d5c' stroke-width='1.5' stroke-dasharray='4 3'/>",
            scale.x(group.native),
            top - 4.0,
            y - 6.0
        );
    }
    out + "</svg>\n"
}

fn legend(out: &mut String) {
    *out += "<text x='12' y='24' font-size='15' font-weight='bold'>Time in multiples of native (shorter is better)</text>\n";
    for (x, colour, text) in [(12, QEMU_COLOUR, "QEMU user-mode"), (140, MYNAH_COLOUR, "Mynah")] {
        let _ = writeln!(out, "<rect x='{x}' y='36' width='12' height='12' fill='{colour}'/>");
        let _ = writeln!(out, "<text x='{}' y='46'>{text}</text>", x + 18);
    }
    *out += "<path d='M218 42H242' stroke='#2a9d5c' stroke-width='1.5' stroke-dasharray='4 3'/>\
             <text x='248' y='46'>target for the group's geometric mean</text>\n";
}

/// A line for each power of two.
fn grid(out: &mut String, scale: &Scale, height: f64) {
    let mut at = LEAST;
    while at <= scale.most {
        let (x, colour) = (scale.x(at), if at == 1.0 { "#555" } else { "#e4e6ea" });
        let _ = writeln!(out, "<path d='M{x:.1} {TOP}V{:.0}' stroke='{colour}'/>", height - 12.0);
        let _ = writeln!(out, "<text x='{x:.1}' y='{:.0}' text-anchor='middle' fill='#666'>{at}</text>", TOP - 5.0);
        at *= 2.0;
    }
}

/// A bar from the left end of the scale, with its number.
fn bar(out: &mut String, scale: &Scale, y: f64, ratio: f64, colour: &str) {
    let x = scale.x(ratio);
    let _ = writeln!(
        out,
        "<rect x='{LEFT}' y='{y:.0}' width='{:.1}' height='{BAR}' fill='{colour}'/>\
         <text x='{:.1}' y='{:.0}' font-size='10'>{ratio:.2}</text>",
        x - LEFT,
        x + 4.0,
        y + 9.0
    );
}
