/** The page's style sheet: light and dark as the reader's system has it, one column on narrow screens. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #fbfbfa; --card: #fff; --ink: #1d1f21; --soft: #5f666d; --grid: #e4e6e8; --edge: #dcdfe2; --link: #0b5cad;
  --warn: #8a4b00; --warn-back: #fff4e2;
  --line-0: #2364aa; --line-1: #c8553d; --line-2: #3a7d44; --line-3: #8e5aa8;
  --line-4: #b07d12; --line-5: #0f8b8d; --line-6: #a23b72; --line-7: #6b7280;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #131517; --card: #1b1e21; --ink: #e6e8ea; --soft: #a0a7ae; --grid: #2b3035; --edge: #32383e; --link: #7db7f0;
    --warn: #f3c27a; --warn-back: #33270f;
    --line-0: #6aa9f0; --line-1: #f08a72; --line-2: #79c784; --line-3: #c79be0;
    --line-4: #e0b252; --line-5: #54c6c8; --line-6: #e07fb0; --line-7: #a9b0ba;
  }
}
* { box-sizing: border-box; }
html { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
body { margin: 0; background: var(--back); color: var(--ink); }
header, main, footer { max-width: 1500px; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; padding-top: 1.25rem; }
footer { padding-bottom: 2rem; color: var(--soft); font-size: .85rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .4rem; }
.run h2 { margin-top: 0; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.soft, #status { color: var(--soft); }
#status.lost, .note { color: var(--warn); }
.note { background: var(--warn-back); border-radius: 6px; padding: .35rem .6rem; }
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
summary { cursor: pointer; color: var(--soft); padding: .25rem 0; }
.scroll { overflow: auto; max-height: 22rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--card); }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
.scroll > table { width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .7rem; border-bottom: 1px solid var(--grid); overflow-wrap: anywhere; }
.scroll th { position: sticky; top: 0; background: var(--card); white-space: nowrap; }
.scroll thead th:empty { padding: 0; }
.u-legend th, .u-legend td { border: 0; padding: 0 .3rem; }
pre { background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; }
button { font: inherit; font-size: .85rem; color: var(--ink); background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: .1rem .6rem; cursor: pointer; }
button[aria-pressed="true"] { background: var(--ink); color: var(--back); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
input[type=range] { width: 100%; accent-color: var(--line-0); }
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
img { max-width: 100%; height: auto; border-radius: 4px; }
`;
