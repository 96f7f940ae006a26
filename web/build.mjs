// Builds what the pages serve under /static: one script, htmx, and Swagger UI for /docs; and the style sheet that stands
// in every page. Every text file gets a .br and a .gz beside it, so that no request compresses anything.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const web = dirname(fileURLToPath(import.meta.url));
const out = join(web, "..", "src", "kalends", "pages", "static");

// Copied as published, less the pointer to a source map that is not served.
const copied = {
  "htmx.min.js": "htmx.org/dist/htmx.min.js",
  "swagger-ui/swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
  "swagger-ui/swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui/swagger-ui-standalone-preset.js": "swagger-ui-dist/swagger-ui-standalone-preset.js",
};

await rm(out, { recursive: true, force: true });
await mkdir(join(out, "swagger-ui"), { recursive: true });

await build({
  entryPoints: { app: join(web, "src", "app.css"), booking: join(web, "src", "booking.ts") },
  outdir: out,
  bundle: true,
  minify: true,
  target: ["es2022", "chrome111", "firefox121", "safari16.4"],
  logLevel: "warning",
});

for (const [name, source] of Object.entries(copied)) {
  const text = await readFile(join(web, "node_modules", source), "utf8");
  await writeFile(join(out, name), text.replace(/\n?\/[/*]# sourceMappingURL=.*$/m, ""));
}
await writeFile(join(out, "icon.svg"), await readFile(join(web, "src", "icon.svg"), "utf8"));

for (const name of await readdir(out, { recursive: true })) {
  if (/\.(css|js|svg)$/.test(name)) {
    const text = await readFile(join(out, name));
    await writeFile(join(out, `${name}.gz`), gzipSync(text, { level: constants.Z_BEST_COMPRESSION }));
    await writeFile(join(out, `${name}.br`), brotliCompressSync(text)); // at its best by default
  }
}
