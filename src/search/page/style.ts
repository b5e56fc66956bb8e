/** The style sheet of a search's page, behind that of all pages. */
export const STYLE = `
main { padding-bottom: 2rem; }
a { color: var(--link); }
.ask { display: grid; grid-template-columns: minmax(0, 1fr); gap: .8rem; margin: 1rem 0; }
.drop { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: center; padding: 1.4rem 1rem; background: var(--card); border: 2px dashed var(--edge); border-radius: 10px; cursor: pointer; }
.drop.over { border-color: var(--link); background: color-mix(in srgb, var(--link) 10%, var(--card)); }
.drop input { font: inherit; max-width: 100%; }
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: end; }
.filters label { display: grid; grid-template-columns: minmax(0, 1fr); gap: .15rem; max-width: 100%; }
.filters label > span { color: var(--soft); font-size: .8rem; }
select { font: inherit; font-size: .9rem; color: var(--ink); background: var(--card); border: 1px solid var(--edge); border-radius: 6px; padding: .2rem .4rem; max-width: min(100%, 22rem); }
.query { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .8rem 1rem; margin: 1rem 0; }
.query[hidden] { display: none; }
.query img { min-width: 96px; max-width: min(100%, 240px); max-height: 240px; object-fit: contain; }
.query h2 { margin: 0 0 .3rem; }
.query div { min-width: 0; flex: 1 1 12rem; }
.query button { margin-right: .8rem; }
.found { list-style: none; display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--side, 150px)), 1fr)); margin: 1rem 0; padding: 0; }
.found li { min-width: 0; }
.pick { display: block; width: 100%; aspect-ratio: 1; padding: 0; overflow: hidden; background: var(--card); }
.pick img { width: 100%; height: 100%; object-fit: contain; border-radius: 0; }
.pick img.gone { visibility: hidden; }
.name { overflow-wrap: anywhere; }
.found .name { font-size: .75rem; line-height: 1.3; margin-top: .25rem; max-height: 2.6em; overflow: hidden; }
.line { display: flex; gap: .4rem; align-items: center; font-size: .8rem; }
.line .soft { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.cosine { font-variant-numeric: tabular-nums; }
.zoom { padding: 0 .4rem; }
dialog { width: min(96vw, 1400px); max-height: 96vh; background: var(--back); color: var(--ink); border: 1px solid var(--edge); border-radius: 10px; padding: .8rem; text-align: center; }
dialog::backdrop { background: rgb(0 0 0 / .6); }
dialog > img { max-height: 78vh; min-width: min(100%, 320px); object-fit: contain; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem; justify-content: center; align-items: center; margin-top: .5rem; }
`;
