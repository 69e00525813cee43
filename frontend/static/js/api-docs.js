// Starts Swagger UI on the page /api/docs; the key is typed there and stays in the tab.
window.SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
});
