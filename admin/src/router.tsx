import { Center, Container } from "@mantine/core";
import { type ComponentType, lazy } from "react";
import { useTranslation } from "react-i18next";
import { createBrowserRouter, Link, Outlet, useRouteError } from "react-router";
import { Empty, Failure, Lines } from "./parts/states";
import { useSession } from "./shell/session";
import { Shell } from "./shell/Shell";
import { SignIn } from "./shell/SignIn";
import { VenueProvider } from "./shell/venue";

const page = (load: () => Promise<{ default: ComponentType }>) => {
  const Page = lazy(load);
  return <Page />;
};

/** One piece of code a page, loaded when it is first opened. */
export const router = createBrowserRouter([
  {
    element: <Gate />,
    errorElement: <Broken />,
    children: [
      {
        element: <Shell />,
        children: [
          { index: true, element: page(() => import("./pages/today/Today")) },
          { path: "movement", element: page(() => import("./pages/today/Movers")) },
          { path: "host", element: page(() => import("./pages/host/Host")) },
          { path: "guests", element: page(() => import("./pages/guests/Guests")) },
          { path: "guests/duplicates", element: page(() => import("./pages/duplicates/Duplicates")) },
          { path: "guests/:id", element: page(() => import("./pages/guest/Guest")) },
          { path: "segments", element: page(() => import("./pages/segments/Segments")) },
          { path: "segments/new", element: page(() => import("./pages/segments/Edit")) },
          { path: "segments/:id", element: page(() => import("./pages/segments/Segment")) },
          { path: "segments/:id/edit", element: page(() => import("./pages/segments/Edit")) },
          { path: "privacy/*", element: page(() => import("./pages/privacy/Privacy")) },
          { path: "imports", element: page(() => import("./pages/imports/Imports")) },
          { path: "imports/:id", element: page(() => import("./pages/imports/Import")) },
          { path: "settings/*", element: page(() => import("./pages/settings/Settings")) },
          { path: "*", element: <Nowhere /> },
        ],
      },
    ],
  },
]);

/** Nothing but the sign-in page without a session. */
function Gate() {
  const session = useSession();
  if (session.isError && session.data === undefined) return <Container py="xl"><Failure error={session.error} retry={() => void session.refetch()} /></Container>;
  if (session.isPending) return <Center mih="100dvh"><Lines count={1} /></Center>;
  if (!session.data) return <SignIn />;
  return <VenueProvider><Outlet /></VenueProvider>;
}

function Broken() {
  return <Container component="main" py="xl"><Failure error={useRouteError()} retry={() => location.reload()} /></Container>;
}

function Nowhere() {
  const { t } = useTranslation();
  return <Empty title={t("state.nowhere")}><Link to="/">{t("nav.today")}</Link></Empty>;
}
