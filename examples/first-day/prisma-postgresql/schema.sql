create table employees (
  tenant_id text not null, id text not null, name text not null,
  hired_on date not null, left_on date,
  primary key (tenant_id, id)
);
create table bookings (
  tenant_id text not null, id int not null,
  employee_id text not null, date date not null, minutes int not null,
  primary key (tenant_id, id)
);
create index on bookings (tenant_id, employee_id, date);
create table closed_months (
  tenant_id text not null, employee_id text not null, month date not null,
  primary key (tenant_id, employee_id, month)
);
create table balances (
  tenant_id text not null, employee_id text not null, date date not null,
  worked int not null, target int not null, balance int not null,
  primary key (tenant_id, employee_id, date)
);
create table months (
  tenant_id text not null, employee_id text not null, month date not null,
  overtime int not null, paid_out int not null, carried int not null,
  primary key (tenant_id, employee_id, month)
);
