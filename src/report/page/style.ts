/** The style sheet of a report's page, behind that of all pages: one column on narrow screens. */
export const STYLE = `
.run h2 { margin-top: 0; }
.runs, .charts, .figures-grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 430px), 1fr)); }
.runs { margin-top: 1rem; }
.charts { margin-top: 1rem; align-items: start; }
.run, .chart, .card { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .8rem 1rem; margin: 0; min-width: 0; }
.figures { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: .5rem 0 0; }
.figures dt { color: var(--soft); font-size: .8rem; }
.figures dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
figcaption { display: flex; justify-content: space-between; gap: 1rem; font-weight: 600; margin-bottom: .4rem; }
.plot { min-height: 270px; border-radius: 6px; }
.u-legend { font-size: .8rem; text-align: left; }
.u-legend .u-marker { border-radius: 3px; }
.u-legend .u-value { font-variant-numeric: tabular-nums; }
.u-select { background: color-mix(in srgb, var(--line-0) 18%, transparent); }
.uplot .u-cursor-x { border-right-color: var(--soft); }
.scroll { overflow: auto; max-height: 22rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--card); }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
.scroll > table { width: 100%; }
/* Other columns may break words; the names of the first one stay whole. */
.scroll td:first-child { min-width: 6.8rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .7rem; border-bottom: 1px solid var(--grid); overflow-wrap: anywhere; }
.scroll th { position: sticky; top: 0; background: var(--card); white-space: nowrap; }
.scroll thead th:empty { padding: 0; }
.u-legend th, .u-legend td { border: 0; padding: 0 .3rem; }
pre { background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; }
.slider { display: flex; gap: 1rem; align-items: center; margin: .3rem 0 .8rem; }
.slider output { min-width: 7rem; font-variant-numeric: tabular-nums; }
.figures-grid { grid-template-columns: repeat(auto-fill, minmax(min(100%, 560px), 1fr)); align-items: start; }
.card figcaption { margin-bottom: 0; }
.sheet { display: block; margin-top: .5rem; width: 100%; }
.thumbnail { width: var(--side); height: var(--side); overflow: hidden; border-radius: 4px; flex: none; }
.thumbnail img { max-width: none; border-radius: 0; display: block; }
.neighbours { overflow-x: auto; margin-top: .5rem; }
.neighbour-row { display: flex; gap: .35rem; margin-bottom: .5rem; }
.neighbour-row > .thumbnail { margin: 3px .8rem 3px 3px; outline: 2px solid var(--line-0); outline-offset: 1px; }
.neighbour-row small { display: block; text-align: center; color: var(--soft); font-size: .72rem; line-height: 1.3; }
.map { width: 100%; max-width: 520px; display: block; margin: .5rem auto; border: 1px solid var(--grid); border-radius: 6px; touch-action: pan-y; }
.map circle { opacity: .75; }
.map circle.current { opacity: 1; stroke: var(--ink); stroke-width: .02; r: .04px; }
.shown { display: flex; gap: .8rem; align-items: center; min-height: 60px; overflow-wrap: anywhere; }
`;
