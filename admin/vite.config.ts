import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// In development the pages come from Vite and the data from a running crm_api.
const api = process.env.CRM_API_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/v1": { target: api }, "/openapi.json": { target: api } } },
  // A data: URL in a style sheet would need a weaker policy than the service sends.
  build: { assetsInlineLimit: 0, target: "es2022", chunkSizeWarningLimit: 600, manifest: "manifest.json" },
});
