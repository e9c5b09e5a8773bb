import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const brand: MantineColorsTuple = [
  "#eef2ff", "#dbe4ff", "#bac8ff", "#91a7ff", "#748ffc", "#5c7cfa", "#4c6ef5", "#3b5bdb", "#364fc7", "#2b3f9e",
];

/** One accent; the colours of labels are in styles.css, as they are the same on every page. */
export const theme = createTheme({
  colors: { brand },
  primaryColor: "brand",
  primaryShade: 7,
  autoContrast: true,
  defaultRadius: "md",
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "1.5rem" }, h2: { fontSize: "1.15rem" }, h3: { fontSize: "1rem" } } },
  cursorType: "pointer",
  components: {
    Tooltip: { defaultProps: { events: { hover: true, focus: true, touch: true }, multiline: true, maw: 320 } },
    Paper: { defaultProps: { withBorder: true, p: "md" } },
    Select: { defaultProps: { checkIconPosition: "right" } },
    Badge: { defaultProps: { tt: "none" }, styles: { root: { minWidth: "max-content" } } },
    Modal: { defaultProps: { centered: true } },
  },
});

/** Quiet text that is still read with ease: a contrast of at least 4.5 on every ground. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: { "--mantine-color-dimmed": "#575e66", "--mantine-color-placeholder": "#6a7178" },
  dark: { "--mantine-color-dimmed": "#aab0b8", "--mantine-color-placeholder": "#9299a1" },
});
