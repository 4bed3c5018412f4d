//! Timelines as pictures: three charts below each other that share their axis of time.

use crate::fault::{Fault, Result};
use crate::timeline::Timeline;
use plotters::coord::Shift;
use plotters::prelude::{
    ChartBuilder, DrawingArea, IntoDrawingArea, LineSeries, RGBColor, SVGBackend, WHITE,
};
use std::fmt::Display;

/// The size of a picture.
const SIZE: (u32, u32) = (900, 660);
const BLUE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);

type Points = [(f64, f64)];

/// A picture of `timeline` in SVG.
///
/// # Errors
/// Never in practice: it is drawn into a string.
pub fn svg(title: &str, timeline: &Timeline) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(fault)?;
        let area = area.titled(title, ("sans-serif", 16)).map_err(fault)?;
        let charts: [(&str, &Points); 3] = [
            ("callbacks/s", &timeline.rate),
            ("p99 lateness, ms", &timeline.lateness),
            ("resident MiB", &timeline.resident),
        ];
        let parts = area.split_evenly((charts.len(), 1));
        let until = charts.iter().flat_map(|(_, points)| points.iter().map(|point| point.0));
        let until = until.fold(1e-3, f64::max);
        for (part, (name, points)) in parts.iter().zip(charts) {
            chart(part, name, points, until)?;
        }
        area.present().map_err(fault)?;
    }
    Ok(text)
}

fn chart(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    name: &str,
    points: &Points,
    until: f64,
) -> Result<()> {
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..until, 0.0..(most * 1.1).max(1.0))
        .map_err(fault)?;
    let label = |value: &f64| crate::report::digits(*value);
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc(name)
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .light_line_style(RGBColor(0xf2, 0xf2, 0xf2))
        .draw()
        .map_err(fault)?;
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE)).map_err(fault)?;
    Ok(())
}

/// Their errors borrow what is drawn to, so only what they say is kept.
fn fault(error: impl Display) -> Fault {
    format!("a picture cannot be drawn: {error}").into()
}

#[cfg(test)]
mod tests {
    use super::svg;
    use crate::timeline::Timeline;

    #[test]
    fn a_timeline_becomes_a_picture() {
        let rate = vec![(0.0, 10.0), (1.0, 30.0), (2.0, 20.0)];
        let timeline = Timeline { lateness: rate.clone(), resident: Vec::new(), rate };
        let text = svg("P1: fired", &timeline).expect("a picture");
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
        assert!(text.contains("P1: fired") && text.contains("callbacks/s"), "{text}");
        let lines = text.lines().filter(|line| line.contains("#1F5FA8")).count();
        assert_eq!(lines, 2, "nothing is drawn of nothing: {text}");
    }
}
