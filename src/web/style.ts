/** What the style sheets of all pages begin with: light and dark as the reader's system has it, texts, buttons. */
export const BASE_STYLE = `
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
p { margin: .3rem 0; overflow-wrap: anywhere; }
.soft, #status { color: var(--soft); }
#status.lost, .note { color: var(--warn); }
.note { background: var(--warn-back); border-radius: 6px; padding: .35rem .6rem; }
summary { cursor: pointer; color: var(--soft); padding: .25rem 0; }
button { font: inherit; font-size: .85rem; color: var(--ink); background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: .1rem .6rem; cursor: pointer; }
button[aria-pressed="true"] { background: var(--ink); color: var(--back); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
input[type=range] { width: 100%; accent-color: var(--line-0); }
img { max-width: 100%; height: auto; border-radius: 4px; }
`;
