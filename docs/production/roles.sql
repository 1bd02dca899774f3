-- As a superuser of the cluster: two roles, neither of which may pass by row-level security, and the database.
-- lyceum_owner owns the tables and migrates them; lyceum_app is what the processes are, and owns nothing.
CREATE ROLE lyceum_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
CREATE ROLE lyceum_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB;
CREATE DATABASE lyceum OWNER lyceum_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
