// What a browser loads before the first page, compressed, must stay under the budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 300_000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", dist), "utf8"));

const files = new Set(["index.html", "scheme.js"]);
const take = (key) => {
  const chunk = manifest[key];
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  chunk.css?.forEach((css) => files.add(css));
  chunk.imports?.forEach(take);
};
// The first page: the entry, one language, and the page the address asks for.
const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
take(entry);
for (const key of ["src/i18n/en.ts", "src/pages/today/Today.tsx"]) take(key);

const sizes = [...files].map((file) => [gzipSync(readFileSync(new URL(file, dist))).length, file]).sort((a, b) => b[0] - a[0]);
const total = sizes.reduce((sum, [size]) => sum + size, 0);
for (const [size, file] of sizes) console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${file}`);
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  before the first page (at most ${BUDGET / 1000})`);
if (total > BUDGET) {
  console.error("error: the first page is over its budget");
  process.exit(1);
}
